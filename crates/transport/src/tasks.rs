//! Who owns which task, and how they end: the only place that spawns.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owns tasks: each has a name, hears when it should end, and is waited for.
///
/// Clones share their tasks. Whoever made the owner ends it with [`Tasks::shutdown`].
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: AtomicU64,
    // Never held across an await.
    tasks: Mutex<BTreeMap<u64, (&'static str, Option<AbortHandle>)>>,
}

impl Tasks {
    /// Makes an owner without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an owner of its own tasks that is told to stop whenever this one is.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
            ..Self::default()
        }
    }

    /// Starts a task. Its name is what [`Tasks::shutdown`] tells if it is late.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let id = self.running.next.fetch_add(1, Ordering::Relaxed);
        self.running.lock().insert(id, (name, None));
        let registered = Registered {
            id,
            running: Arc::clone(&self.running),
        };
        let handle = self.tracker.spawn(async move {
            let _registered = registered;
            future.await
        });
        if let Some((_, abort)) = self.running.lock().get_mut(&id) {
            *abort = Some(handle.abort_handle());
        }
        handle
    }

    /// Asks all tasks to stop and returns at once.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// Waits until the tasks are asked to stop. Cancel-safe.
    pub async fn stopping(&self) {
        self.token.cancelled().await;
    }

    /// Whether the tasks have been asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Asks all tasks to stop, waits for them at most `grace`, aborts the rest and returns the
    /// names of those that were late.
    pub async fn shutdown(&self, grace: Duration) -> Vec<&'static str> {
        self.stop();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait())
            .await
            .is_ok()
        {
            return Vec::new();
        }
        let late = self.abort_all();
        // A task that never waits cannot be aborted: it is named, and left.
        tokio::time::timeout(ABORTED, self.tracker.wait())
            .await
            .ok();
        late
    }

    fn abort_all(&self) -> Vec<&'static str> {
        let tasks = self.running.lock();
        for (_, abort) in tasks.values() {
            if let Some(abort) = abort {
                abort.abort();
            }
        }
        tasks.values().map(|&(name, _)| name).collect()
    }
}

/// Does work that takes this thread for a millisecond or more, such as compressing a chunk or writing
/// to a disk, without keeping its other tasks waiting: a log line would otherwise wait behind it.
///
/// May be called from anywhere: where there are no other tasks, or nobody to hand them to, the work
/// is done like any other.
///
/// # Panics
/// In a task of a `LocalSet` that a runtime of many threads drives, as [`tokio::task::block_in_place`]
/// does: the other tasks there cannot be handed over, and tokio does not tell such a task from others.
pub fn heavy<T>(work: impl FnOnce() -> T) -> T {
    // Outside a task there are no others that wait for this thread.
    let flavor = tokio::task::try_id().and_then(|_| Handle::try_current().ok());
    match flavor.map(|handle| handle.runtime_flavor()) {
        Some(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // With one thread there is nobody to hand the other tasks to.
        _ => work(),
    }
}

/// Takes its task off the list when the task ends, in whichever way.
struct Registered {
    id: u64,
    running: Arc<Running>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.running.lock().remove(&self.id);
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (&'static str, Option<AbortHandle>)>> {
        // The map is whole after every statement: a panic elsewhere has not broken it.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An aborted task ends where it waits next.
const ABORTED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn shutdown_waits_for_those_that_stop_and_names_those_that_do_not() {
        let tasks = Tasks::new();
        let polite = tasks.clone();
        tasks.spawn("polite", async move { polite.stopping().await });
        tasks.spawn("late", std::future::pending::<()>());
        assert_eq!(tasks.shutdown(Duration::from_secs(1)).await, ["late"]);
    }

    #[tokio::test]
    async fn a_child_stops_with_its_parent_but_not_the_other_way_round() {
        let parent = Tasks::new();
        let (one, other) = (parent.child(), parent.child());
        one.stop();
        assert!(!parent.is_stopping() && !other.is_stopping());
        parent.stop();
        other.stopping().await;
    }

    #[test]
    fn heavy_work_is_done_outside_a_runtime_too() {
        assert_eq!(heavy(|| 1), 1);
    }

    #[tokio::test]
    async fn heavy_work_is_done_on_one_thread_and_within_heavy_work() {
        let handle = Tasks::new().spawn("heavy", async { heavy(|| heavy(|| 1)) });
        assert_eq!((heavy(|| 1), handle.await.unwrap()), (1, 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_of_the_thread_go_on_during_heavy_work() {
        let tasks = Tasks::new();
        let (say, hear) = std::sync::mpsc::channel();
        let others = tasks.clone();
        let heavy = tasks.spawn("heavy", async move {
            others.spawn("other", async move { say.send(()) });
            heavy(|| heavy(|| hear.recv_timeout(Duration::from_secs(30))))
        });
        assert_eq!(heavy.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_task_that_ended_is_forgotten() {
        let tasks = Tasks::new();
        tasks.spawn("short", async {}).await.unwrap();
        assert!(tasks.running.lock().is_empty());
    }
}
