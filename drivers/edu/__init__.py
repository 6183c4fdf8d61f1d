"""The educational card 1234:11e8: the smallest useful movable driver. Copy this folder to start yours."""
