//! Whole runs over the fakes of `testkit`, in virtual time.
//!
//! Every scenario ends with [`harness::Ended::check`]: nothing is left unless the results say so,
//! nothing was created unannounced, and the log alone gives the same results.

mod attempts;
mod away;
mod backup;
mod cleanup;
mod databases;
mod diagnosis;
mod disaster;
mod doctor;
mod faults;
mod green;
mod harness;
mod killed;
mod planned;
mod planning;
mod red;
mod secrets;
mod settle;
mod signals;
mod storage;
mod upgrade;
