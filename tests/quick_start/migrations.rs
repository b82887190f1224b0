//! The migrations by hand: any number of times, alone, before and after the server ran, with the same schema in the end.

use super::document::repository;
use crate::harness::Server;
use crate::harness::mariadb::MariaDb;

const WEBHOOKS: &str = "030_create_webhooks_table.sql";
const WEBHOOK_LOGS: &str = "031_create_webhook_logs_table.sql";

/// Runs one file through the `mysql` client.
async fn by_hand(database: &str, file: &str) {
    let path = repository().join("migrations").join(file);
    let sql = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    MariaDb::shared().await.sql(database, &sql).await;
}

/// Lets the server bring the database up to date.
async fn by_the_server(database: &str) {
    let server = Server::builder().mariadb().env("DB_NAME", database).start().await;
    assert_eq!(server.terminate().await.0, 0);
}

/// Everything about tables that queries can notice.
async fn schema(database: &str) -> String {
    let columns = format!(
        "SELECT table_name, column_name, ordinal_position, column_type, is_nullable, column_default, extra,
                character_set_name, collation_name, generation_expression
         FROM information_schema.columns WHERE table_schema = '{database}' ORDER BY table_name, ordinal_position;
         SELECT table_name, index_name, seq_in_index, column_name, non_unique, sub_part
         FROM information_schema.statistics WHERE table_schema = '{database}'
         ORDER BY table_name, index_name, seq_in_index;
         SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
         WHERE table_schema = '{database}' ORDER BY table_name, constraint_name;
         SELECT table_name, engine, table_collation, create_options FROM information_schema.tables
         WHERE table_schema = '{database}' ORDER BY table_name;
         SELECT DISTINCT table_name, partition_method, partition_expression FROM information_schema.partitions
         WHERE table_schema = '{database}' ORDER BY table_name;"
    );
    MariaDb::shared().await.sql("", &columns).await
}

async fn empty_database() -> String {
    MariaDb::shared().await.create_database().await
}

/// What the server makes of an empty database.
async fn reference() -> String {
    let database = empty_database().await;
    by_the_server(&database).await;
    schema(&database).await
}

#[tokio::test]
async fn the_quick_starts_files_run_before_the_server_any_number_of_times() {
    let database = empty_database().await;
    for file in [WEBHOOKS, WEBHOOK_LOGS, WEBHOOKS, WEBHOOK_LOGS] {
        by_hand(&database, file).await;
    }
    by_the_server(&database).await;
    assert_eq!(schema(&database).await, reference().await);
}

#[tokio::test]
async fn the_quick_starts_files_run_after_the_server_any_number_of_times() {
    let database = empty_database().await;
    by_the_server(&database).await;
    let before = schema(&database).await;
    for file in [WEBHOOKS, WEBHOOK_LOGS, WEBHOOKS, WEBHOOK_LOGS] {
        by_hand(&database, file).await;
    }
    assert_eq!(schema(&database).await, before);
    by_the_server(&database).await;
    assert_eq!(schema(&database).await, before);
}

#[tokio::test]
async fn each_of_the_quick_starts_files_stands_alone_on_an_empty_database() {
    let reference = reference().await;
    for file in [WEBHOOKS, WEBHOOK_LOGS] {
        let database = empty_database().await;
        by_hand(&database, file).await;
        by_hand(&database, file).await;
        by_the_server(&database).await;
        assert_eq!(schema(&database).await, reference, "{file} first");
    }
}

#[tokio::test]
async fn all_files_by_hand_give_the_servers_schema() {
    let database = empty_database().await;
    let files = std::fs::read_dir(repository().join("migrations")).expect("migrations/").flatten();
    let mut files: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    files.retain(|file| file.ends_with(".sql"));
    files.sort();
    for _ in 0..2 {
        for file in &files {
            by_hand(&database, file).await;
        }
    }
    by_the_server(&database).await;
    assert_eq!(schema(&database).await, reference().await);
    for file in &files {
        by_hand(&database, file).await;
    }
    assert_eq!(schema(&database).await, reference().await);
}
