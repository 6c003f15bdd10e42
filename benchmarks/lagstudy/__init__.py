"""The lag study in parts: what is run, one run, the statistics over runs, and the page made of them."""
