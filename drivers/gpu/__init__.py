"""A graphics card with registers, up to 64 GiB of VRAM, a blit engine and a firmware that knows where its VRAM is."""
