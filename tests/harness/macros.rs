//! Test attributes.

/// Makes each function two tests, one on SQLite with nothing beside it and one on MariaDB with Redis. Variables for the
/// server's environment may follow its name: `async fn a_sentence(server, JWT_ACCESS_TTL = "5m") { … }`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident $(, $key:ident = $value:expr)*) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn test($server: Server) $body

            #[tokio::test]
            async fn on_sqlite() {
                let builder = Server::builder().sqlite()$(.env(stringify!($key), $value))*;
                test(builder.start().await).await;
            }

            #[tokio::test]
            async fn on_mariadb() {
                let builder = Server::builder().mariadb().redis()$(.env(stringify!($key), $value))*;
                test(builder.start().await).await;
            }
        }
    )+};
}

pub(crate) use on_both;
