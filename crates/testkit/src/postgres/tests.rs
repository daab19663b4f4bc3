//! What the tests' own PostgreSQL promises them.

use std::{fs, path::Path, time::Duration};

use super::*;

#[tokio::test]
async fn two_databases_of_one_run_share_nothing() {
    let (one, other) = (database().await, database().await);
    one.run("CREATE TABLE courses (id int); INSERT INTO courses VALUES (1)")
        .await;

    assert_eq!(tables(&one).await, ["courses"]);
    assert_eq!(tables(&other).await, [""; 0]);
}

#[tokio::test]
async fn a_database_is_dropped_though_somebody_is_connected() {
    let database = database().await;
    let (address, name) = (database.address, database.name.clone());
    let _still_open = database.connect().await;

    drop(database);

    let found: Vec<String> =
        sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_all(&mut connect(&format!("{address}/postgres")).await)
            .await
            .unwrap();
    assert_eq!(found, [""; 0]);
}

#[tokio::test]
async fn a_user_may_read_nothing_until_it_is_granted() {
    let database = database().await;
    database.run("CREATE TABLE courses (id int)").await;
    let user = database.user().await;
    let mut connection = connect(&user.url).await;
    let read = "SELECT id FROM courses";

    let refused = connection.execute(read).await.unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().unwrap(),
        "42501"
    );

    database
        .run(format!("GRANT SELECT ON courses TO {}", user.name))
        .await;
    connection.execute(read).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_still_while_a_database_is_made() {
    let database = tokio::time::timeout(Duration::from_secs(1), database()).await;

    assert!(database.is_ok(), "no virtual time has passed");
}

#[test]
fn a_server_leaves_no_folder_behind() {
    let server = Server::start().unwrap();
    let folder: String = block_on(async {
        let mut admin = connect(&format!("{}/postgres", server.address())).await;
        sqlx::query_scalar("SHOW data_directory")
            .fetch_one(&mut admin)
            .await
            .unwrap()
    });
    let folder = Path::new(&folder).parent().unwrap();
    assert!(fs::exists(folder).unwrap());

    drop(server);

    assert!(!fs::exists(folder).unwrap());
}

async fn tables(database: &Database) -> Vec<String> {
    sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut database.connect().await)
        .await
        .unwrap()
}
