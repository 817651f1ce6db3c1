"""``python -m lanzdml``: the command ``lanzdml``, also where it is not installed."""

from lanzdml.commands.main import main

main()
