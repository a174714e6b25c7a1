"""What Reverie says when the input is at fault."""


class InputError(ValueError):
    """Something that the user gave cannot be used; the message is one line and says what to do.

    The command prints the message and exits with 2; in Python it is a `ValueError`.
    """
