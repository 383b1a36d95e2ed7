copy staged from stdin (format binary)
