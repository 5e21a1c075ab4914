"""The tables of the imitated system and the columns of their rows."""
