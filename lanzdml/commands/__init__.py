"""The command ``lanzdml``: single things of the library without a workflow, a module a command."""
