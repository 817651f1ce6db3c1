"""What the embedded default is made of: the generator of demo_cars and the demo CLIPs' training."""
