"""The promises, by what they are about. Each is a function that yields what was found and what was expected."""
