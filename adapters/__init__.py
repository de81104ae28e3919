"""How: each folder wraps one technology behind the application's ports, and knows no other."""
