"""Networks that predict F: small, in plain torch, and every layer of them differentiable in forward mode."""
