//! What [`cc_ci_core::ports::Files`] promises.

use cc_ci_core::ports::Removal;
use cc_ci_model::intent::ObjectKind;

use super::stage::{
    Life, Service, Stage, container, inventory, is_away, is_refused, runs, until, watch,
};

super::contract!(Files: [
    a_file_comes_back_as_it_went_in,
    a_file_is_roots_and_can_be_read_by_all,
    what_is_not_there_is_none,
    what_is_no_file_is_refused,
    up_to_a_megabyte_is_read,
    a_folder_that_is_not_there_is_refused,
    only_volumes_outlive_a_container,
    a_container_that_is_gone_is_no_missing_file,
    what_is_written_beside_every_mount_is_seen,
    the_size_of_a_file_is_told,
    an_engine_that_does_not_answer_is_told_as_such,
]);

async fn with_volume<S: Stage>(stage: &S) -> String {
    container(stage, &app()).await
}

fn app() -> Service {
    Service { volumes: true, ..Service::new("app", Life::Steady) }
}

async fn a_file_comes_back_as_it_went_in<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    let all: Vec<u8> = (0..=255).collect();
    for folder in ["/data", "/tmp"] {
        for content in [all.as_slice(), b"", b"replaced\n"] {
            assert_eq!(files.put(&container, folder, "-ü 1", content).await, Ok(()));
            let read = files.get(&container, &format!("{folder}/-ü 1")).await;
            assert_eq!(read, Ok(Some(content.to_vec())), "{folder}");
        }
    }
}

async fn a_file_is_roots_and_can_be_read_by_all<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    assert_eq!(files.put(&container, "/data", "marker", b"planted").await, Ok(()));
    assert_eq!(stage.look(&container, "/data/marker").await, (0, 0, 0o644));
}

async fn what_is_not_there_is_none<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    for path in ["/data/nothing", "/nothing", "/data/no/folder/either"] {
        assert_eq!(files.get(&container, path).await, Ok(None), "{path}");
    }
}

async fn what_is_no_file_is_refused<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    let error = files.get(&container, "/data").await.expect_err("it is a folder");
    assert!(error.to_string().contains("no regular file"), "{error}");
}

async fn up_to_a_megabyte_is_read<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    let just = vec![b'x'; 1 << 20];
    assert_eq!(files.put(&container, "/data", "just", &just).await, Ok(()));
    assert!(files.get(&container, "/data/just").await == Ok(Some(just)));
    let larger = vec![b'x'; (1 << 20) + 1];
    assert_eq!(files.put(&container, "/data", "larger", &larger).await, Ok(()));
    let error = files.get(&container, "/data/larger").await.expect_err("it is too large");
    assert!(error.to_string().contains("larger than a megabyte"), "{error}");
}

async fn a_folder_that_is_not_there_is_refused<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    for folder in ["/nothing", "/data/nothing"] {
        is_refused(&files.put(&container, folder, "marker", b"").await, 404);
    }
}

async fn only_volumes_outlive_a_container<S: Stage>(stage: &S) {
    let (files, old) = (stage.engine().files(), with_volume(stage).await);
    assert_eq!(files.put(&old, "/data", "kept", b"a").await, Ok(()));
    assert_eq!(files.put(&old, "/tmp", "lost", b"b").await, Ok(()));
    let mut watch = watch(stage).await;
    stage.deploy(&[Service { release: "two", ..app() }]).await;
    let facts = until(&mut watch, "new task", |facts| {
        let mut current = facts.clone();
        current.tasks.retain(|task| task.current);
        runs(&current)
    })
    .await;
    let new = facts.tasks.iter().find(|task| task.current).expect("it runs");
    let new = new.container.clone().expect("it runs").id;
    assert_ne!(old, new);
    assert_eq!(files.get(&new, "/data/kept").await, Ok(Some(b"a".to_vec())));
    assert_eq!(files.get(&new, "/tmp/lost").await, Ok(None));
}

async fn a_container_that_is_gone_is_no_missing_file<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    assert_eq!(files.put(&container, "/data", "marker", b"").await, Ok(()));
    let objects = inventory(stage).await;
    let is_it = |object: &&cc_ci_model::intent::Object| {
        object.kind == ObjectKind::Container && object.id == container
    };
    let found = objects.iter().find(is_it).expect("it is there");
    let removal = stage.engine().objects().remove(found).await;
    assert_eq!(removal, Ok(Removal::Gone));
    is_refused(&files.get(&container, "/data/marker").await, 404);
    is_refused(&files.put(&container, "/data", "marker", b"").await, 404);
}

async fn what_is_written_beside_every_mount_is_seen<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    assert_eq!(files.put(&container, "/data", "inside", b"a").await, Ok(()));
    assert_eq!(files.put(&container, "/tmp", "beside", b"b").await, Ok(()));
    let changed = files.changed(&container).await.expect("the engine answers");
    for path in ["/tmp", "/tmp/beside"] {
        assert!(changed.iter().any(|known| known == path), "{path}: {changed:?}");
    }
    assert!(!changed.iter().any(|known| known.starts_with("/data/")), "{changed:?}");
    is_refused(&files.changed("no-such").await, 404);
}

async fn the_size_of_a_file_is_told<S: Stage>(stage: &S) {
    let (files, container) = (stage.engine().files(), with_volume(stage).await);
    for (name, size) in [("empty", 0), ("small", 5), ("large", (1 << 20) + 1)] {
        assert_eq!(files.put(&container, "/tmp", name, &vec![b'x'; size]).await, Ok(()));
        let told = files.size(&container, &format!("/tmp/{name}")).await;
        assert_eq!(told, Ok(Some(size as u64)), "{name}");
    }
    for none in ["/tmp", "/data", "/tmp/gone", "/gone/too"] {
        assert_eq!(files.size(&container, none).await, Ok(None), "{none}");
    }
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    let files = stage.away().files();
    is_away(&files.get("container", "/data/x").await);
    is_away(&files.changed("container").await);
    is_away(&files.size("container", "/data/x").await);
    is_away(&files.put("container", "/data", "x", b"").await);
}
