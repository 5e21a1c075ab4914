"""One witness a module, and the roll that lists them."""
