"""What the command line does, a module a command. `cli.py` names them; nothing here is imported by a service."""
