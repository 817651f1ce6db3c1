"""Tables: the paper's, the overview, all methods, and the published values beside ours."""
