"""The API: thin views over the same functions as the socket and the page."""
