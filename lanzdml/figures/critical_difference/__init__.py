"""The methods' mean ranks: how they are drawn, and what is said of them."""
