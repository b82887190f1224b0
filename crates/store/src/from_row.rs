//! Reads columns into the fields that are called like them. In place of sqlx's derive: with its macros sqlx, SQLite and
//! tokio are built a second time, for the compiler's own use.

/// `from_row!(Type: field, other);` names all fields; behind a semicolon comes one that reads columns of its own.
macro_rules! from_row {
    ($type:ident: $($field:ident),+ $(; $nested:ident)?) => {
        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $type
        where
            &'static str: sqlx::ColumnIndex<R>,
            i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)+
                    $($nested: sqlx::FromRow::from_row(row)?,)?
                })
            }
        }
    };
}

pub(crate) use from_row;
