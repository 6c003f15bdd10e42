"""The Player: pull a snapshot, play an unroll, push it; evaluate."""
