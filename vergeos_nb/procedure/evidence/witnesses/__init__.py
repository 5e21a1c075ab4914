"""The witnesses, one in each module, and the roll that lists them."""
