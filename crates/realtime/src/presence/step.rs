//! What the database is to say of an owner's connections, by what it says and what is true here. Pure.

use model::{EventId, ServerId, TenantId, Timestamp};
use store::presence_edges::{Edge, Turn};
use store::user_connections::{Owner, Row};

/// What to write, and what it means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub put: Option<Row>,
    pub remove: Vec<Row>,
    pub edge: Option<Turn>,
}

/// An owner's connections to this server, as they are.
pub(super) struct Here<'a> {
    pub server: &'a ServerId,
    pub connections: usize,
    /// Why the last one ended, if it has.
    pub because: &'a str,
}

/// After the number of connections here has changed. A row is a presence, also for a while after its last connection, so
/// that somebody who has any row does not come online.
pub(super) fn settle(owner: &Owner, here: &Here<'_>, rows: &[Row], now: Timestamp) -> Step {
    let own = rows.iter().find(|row| row.server == *here.server);
    let connections = i64::try_from(here.connections).unwrap_or(i64::MAX);
    let row =
        |gone| Row { owner: owner.clone(), server: here.server.clone(), connections, changed_at: now, gone };
    if connections > 0 {
        let is_known = own.is_some_and(|own| own.connections == connections && own.gone.is_none());
        let is_edge = rows.is_empty() && owner.is_some();
        return Step {
            put: (!is_known).then(|| row(None)),
            edge: is_edge.then_some(Turn::Online { connections: here.connections }),
            ..Step::default()
        };
    }
    match own {
        Some(own) if owner.is_none() => Step { remove: vec![own.clone()], ..Step::default() },
        Some(own) if own.gone.is_none() => {
            Step { put: Some(row(Some((now, here.because.to_owned())))), ..Step::default() }
        }
        _ => Step::default(),
    }
}

/// After rows may have been gone for long enough: since `before`.
pub(super) fn close(owner: &Owner, rows: &[Row], before: Timestamp) -> Step {
    let is_over = |row: &&Row| row.gone.as_ref().is_some_and(|(at, _)| *at <= before);
    let (over, rest): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(is_over);
    let last = over.iter().filter_map(|row| row.gone.clone()).max();
    let edge = last.filter(|_| rest.is_empty() && owner.is_some());
    Step {
        put: None,
        remove: over.into_iter().cloned().collect(),
        edge: edge.map(|(last_seen_at, reason)| Turn::Offline { last_seen_at, reason }),
    }
}

impl Step {
    pub(super) fn edge(&self, tenant: &TenantId, owner: &Owner, at: Timestamp) -> Option<Edge> {
        let (what, user) = (self.edge.clone()?, owner.clone()?);
        Some(Edge { event: EventId::generate(), tenant: tenant.clone(), user, at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::UserId;

    const NOW: Timestamp = Timestamp(100_000);

    fn user() -> Owner {
        Some(UserId::parse("u").unwrap())
    }

    fn server(id: &str) -> ServerId {
        ServerId::parse(id).unwrap()
    }

    fn row(id: &str, connections: i64, gone: Option<i64>) -> Row {
        let gone = gone.map(|at| (Timestamp(at), "closed".to_owned()));
        Row { owner: user(), server: server(id), connections, changed_at: NOW, gone }
    }

    fn settled(owner: &Owner, connections: usize, rows: &[Row]) -> Step {
        settle(owner, &Here { server: &server("a"), connections, because: "closed" }, rows, NOW)
    }

    #[test]
    fn only_who_has_no_row_at_all_comes_online() {
        let step = settled(&user(), 1, &[]);
        assert_eq!((step.put, step.edge), (Some(row("a", 1, None)), Some(Turn::Online { connections: 1 })));
        for rows in [[row("b", 1, None)], [row("a", 0, Some(99_000))], [row("b", 0, Some(99_000))]] {
            let step = settled(&user(), 1, &rows);
            assert_eq!((step.put, step.edge), (Some(row("a", 1, None)), None), "{rows:?}");
        }
        assert_eq!(settled(&user(), 1, &[row("a", 1, None)]), Step::default());
        assert_eq!(settled(&user(), 2, &[row("a", 1, None)]).put, Some(row("a", 2, None)));
    }

    #[test]
    fn who_leaves_keeps_a_row_for_a_while() {
        assert_eq!(settled(&user(), 0, &[row("a", 1, None)]).put, Some(row("a", 0, Some(100_000))));
        assert_eq!(settled(&user(), 0, &[row("a", 0, Some(90_000))]), Step::default());
        assert_eq!(settled(&user(), 0, &[]), Step::default());
    }

    #[test]
    fn only_who_has_no_row_left_goes_offline() {
        let over = row("a", 0, Some(94_000));
        let step = close(&user(), std::slice::from_ref(&over), Timestamp(95_000));
        let offline = Turn::Offline { last_seen_at: Timestamp(94_000), reason: "closed".into() };
        assert_eq!((step.remove, step.edge), (vec![over.clone()], Some(offline)));
        for other in [row("b", 1, None), row("b", 0, Some(99_000))] {
            let step = close(&user(), &[over.clone(), other], Timestamp(95_000));
            assert_eq!((step.remove, step.edge), (vec![over.clone()], None));
        }
        assert_eq!(close(&user(), &[row("a", 0, Some(99_000))], Timestamp(95_000)), Step::default());
        assert_eq!(close(&user(), &[], Timestamp(95_000)), Step::default());
    }

    #[test]
    fn programs_come_and_go_without_a_word() {
        let row = |connections| Row { owner: None, ..row("a", connections, None) };
        let step = settled(&None, 3, &[]);
        assert_eq!((step.put, step.edge), (Some(row(3)), None));
        let step = settled(&None, 0, &[row(3)]);
        assert_eq!((step.put, step.remove, step.edge), (None, vec![row(3)], None));
    }
}
