"""Would other words have turned the ranking round? Methods fitted to each wording of a notion."""
