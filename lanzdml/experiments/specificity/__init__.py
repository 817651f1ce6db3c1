"""Does a transform forget what should not matter? Its scores on the other notions' labels."""
