"""Training by stages: freezing with proof, packing without leaks, exact resume, a memory plan before the first step."""
