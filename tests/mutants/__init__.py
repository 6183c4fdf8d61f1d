"""Small broken drivers, one a file: `RULE` is what it breaks, `CONSEQUENCES` the rules whose breach may follow from it."""
