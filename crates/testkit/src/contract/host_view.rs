//! What [`HostView`] promises.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use cc_ci_core::ports::HostView;

super::contract!(HostView: [
    kernel_and_world_stay_the_same,
    memory_and_files_have_bounds,
    its_own_address_is_known_and_answers,
    a_folder_of_its_own_can_be_read_and_written,
    a_folder_that_is_refused_says_why,
]);

/// This host.
pub trait Stage {
    /// The port.
    fn host(&self) -> &dyn HostView;

    /// A folder this process may read and write.
    fn folder(&self) -> PathBuf;

    /// A host, and a folder there that can neither be listed nor be made or written into.
    fn refused(&self) -> (&dyn HostView, PathBuf);
}

async fn kernel_and_world_stay_the_same<S: Stage>(stage: &S) {
    let host = stage.host();
    assert_eq!((host.kernel(), host.world()), (host.kernel(), host.world()));
    assert_eq!(host.has_ip_vs(), host.has_ip_vs());
    assert!(!host.kernel().release.is_empty());
}

async fn memory_and_files_have_bounds<S: Stage>(stage: &S) {
    let host = stage.host();
    let all = host.kernel().memory_bytes;
    assert!(all > 1 << 20, "{all} bytes");
    assert!(host.memory_available_bytes().is_none_or(|bytes| (1..=all).contains(&bytes)));
    assert!(host.open_files().is_none_or(|files| files > 2));
}

async fn its_own_address_is_known_and_answers<S: Stage>(stage: &S) {
    let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert!(stage.host().is_own(own));
    assert!(stage.host().answers(own, Duration::from_secs(5)).await, "be it by refusing");
    // Of those that are for documentation only (RFC 5737).
    assert!(!stage.host().is_own(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))));
}

async fn a_folder_of_its_own_can_be_read_and_written<S: Stage>(stage: &S) {
    let (host, folder) = (stage.host(), stage.folder());
    assert_eq!((host.can_list(&folder), host.can_write(&folder)), (Ok(()), Ok(())));
    assert!(host.free_bytes(&folder).is_ok_and(|bytes| bytes > 0));
    let inner = folder.join("not/there/yet");
    assert_eq!(host.can_write(&inner), Ok(()), "it can be made");
    assert!(host.free_bytes(&inner).is_ok(), "there will be as much room");
    assert_eq!(host.can_list(&folder), Ok(()), "and nothing was written");
}

async fn a_folder_that_is_refused_says_why<S: Stage>(stage: &S) {
    let (host, folder) = stage.refused();
    for answer in [host.can_list(&folder), host.can_write(&folder)] {
        assert!(answer.as_ref().is_err_and(|why| !why.is_empty()), "{answer:?}");
    }
}
