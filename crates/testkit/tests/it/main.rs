//! The fakes behave as was measured on a real Swarm (Engine 20.10): a scenario is worth no more
//! than the fake it plays in.

mod contracts;
mod fake_swarm;
mod small_fakes;
