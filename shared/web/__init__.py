"""Everything that the services' web pages share: layout, languages, sign-in, protections, health and the
server.

A page is access, input, call, answer. No GET changes what the system knows, and every page works without
JavaScript.
"""
