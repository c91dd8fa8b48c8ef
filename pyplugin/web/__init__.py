"""What all our web servers share: who may use them, and what pages may load."""
