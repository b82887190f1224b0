//! Tests of the lanes: fairness, bounds and order, by state alone.

use super::*;
use crate::lane::Standing;
use crate::limits::{
    CLAIM_AHEAD, CLAIM_EACH, CLAIM_LEAST, FAILING_PACE, LANE_IN_FLIGHT, LATE_COMMITS, REFUSED, SILENCE,
    STALLED_TOGETHER, UNRECORDED, UNTRIED_TOGETHER,
};
use crate::request::tests::delivery as some_delivery;
use proptest::prelude::*;
use std::time::Duration;

const CLOCK: Timestamp = Timestamp(1_000_000);

fn delivery(webhook: i64, id: i64) -> Delivery {
    Delivery { webhook: WebhookId(webhook), ..some_delivery(id, Some(id)) }
}

/// Lanes in which these endpoints are known and answer, with so many deliveries each.
fn lanes(webhooks: std::ops::Range<i64>, each: i64, now: Instant) -> Lanes {
    let mut lanes = Lanes::default();
    for webhook in webhooks {
        known(&mut lanes, webhook, now);
        for id in 0..each {
            lanes.push(delivery(webhook, id), 1000, now);
        }
    }
    lanes
}

fn known(lanes: &mut Lanes, webhook: i64, now: Instant) {
    let lane = lanes.lane(WebhookId(webhook), now);
    lane.learn(Standing::Answers, Some(true));
    lane.behind = false;
}

fn take_all(lanes: &mut Lanes, now: Instant) -> Vec<Job> {
    std::iter::from_fn(|| lanes.take(now, CLOCK)).collect()
}

fn end(lanes: &mut Lanes, job: &Job, standing: Standing, now: Instant) {
    let success = Some(standing == Standing::Answers);
    lanes.answered(job, Lesson { standing: Some(standing), success, ..Lesson::default() }, now);
    lanes.recorded(job.delivery.webhook, job.slot, None);
}

#[tokio::test]
async fn one_endpoint_never_takes_all_places() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 100, now);
    let taken = take_all(&mut lanes, now);
    assert!((16..=LANE_IN_FLIGHT).contains(&taken.len()), "{}", taken.len());
}

#[tokio::test]
async fn twenty_stalling_endpoints_leave_places_for_the_next_one() {
    let now = Instant::now();
    let mut lanes = lanes(1..21, 100, now);
    take_all(&mut lanes, now);
    known(&mut lanes, 99, now);
    for id in 0..100 {
        lanes.push(delivery(99, id), 1000, now);
    }
    let taken = take_all(&mut lanes, now);
    assert!(
        taken.len() >= 4 && taken.iter().all(|job| job.delivery.webhook == WebhookId(99)),
        "{}",
        taken.len()
    );
}

/// Deliveries of another tenant, to an endpoint that answers or one of which nothing is known.
fn of_another_tenant(lanes: &mut Lanes, webhook: i64, count: i64, answers: bool, now: Instant) {
    if answers {
        known(lanes, webhook, now);
    }
    for id in 0..count {
        let tenant = TenantId::parse("t2").unwrap();
        lanes.push(Delivery { tenant, ..delivery(webhook, id) }, 1000, now);
    }
}

#[tokio::test]
async fn one_tenants_endpoints_leave_places_for_anothers_however_many_they_are() {
    let now = Instant::now();
    let mut lanes = lanes(1..1001, 3, now);
    // As endpoints that take their whole timeout to answer.
    let slow = take_all(&mut lanes, now);
    assert_eq!(slow.len(), UNRECORDED * 7 / 8);
    of_another_tenant(&mut lanes, 2000, 20, true, now);
    let other = take_all(&mut lanes, now);
    assert!(
        other.len() >= 3 && other.iter().all(|job| job.delivery.webhook == WebhookId(2000)),
        "{}",
        other.len()
    );
    for job in slow.iter().chain(&other) {
        end(&mut lanes, job, Standing::Answers, now);
    }
    assert!(lanes.of_tenants.is_empty());
}

#[tokio::test]
async fn one_tenants_untried_endpoints_do_not_keep_anothers_waiting() {
    let now = Instant::now();
    let mut lanes = Lanes::default();
    for webhook in 1..=1000 {
        lanes.push(delivery(webhook, 1), 1000, now);
    }
    take_all(&mut lanes, now);
    of_another_tenant(&mut lanes, 2000, 1, false, now);
    let other = take_all(&mut lanes, now);
    assert_eq!(other.iter().map(|job| job.delivery.webhook).collect::<Vec<_>>(), [WebhookId(2000)]);
}

#[tokio::test]
async fn tenants_take_turns_however_many_endpoints_each_has() {
    let now = Instant::now();
    let mut lanes = lanes(1..101, 3, now);
    of_another_tenant(&mut lanes, 2000, 10, true, now);
    let first: Vec<Job> = (0..20).filter_map(|_| lanes.take(now, CLOCK)).collect();
    let other = first.iter().filter(|job| job.delivery.webhook == WebhookId(2000)).count();
    assert!((9..=10).contains(&other), "{other} of 20");
}

#[tokio::test]
async fn a_silent_endpoint_gets_no_more_until_it_speaks() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 100, now);
    let first = lanes.take(now, CLOCK).unwrap();
    let later = now + SILENCE + Duration::from_millis(1);
    assert!(lanes.take(later, CLOCK).is_none());
    end(&mut lanes, &first, Standing::Answers, later);
    assert!(take_all(&mut lanes, later).len() > 1);
}

#[tokio::test]
async fn dead_endpoints_share_a_part_of_the_places_one_each() {
    let now = Instant::now();
    let mut lanes = Lanes::default();
    for webhook in 1..=1000 {
        lanes.push(delivery(webhook, 1), 1000, now);
        lanes.push(delivery(webhook, 2), 1000, now);
    }
    let first = take_all(&mut lanes, now);
    // Seven eighths, as they are one tenant's.
    let (untried, stalled) = (UNTRIED_TOGETHER * 7 / 8, STALLED_TOGETHER * 7 / 8);
    assert_eq!(first.len(), untried);
    for job in &first {
        end(&mut lanes, job, Standing::Stalled, now);
    }
    let second = take_all(&mut lanes, now);
    let (again, fresh): (Vec<_>, Vec<_>) =
        second.iter().partition(|job| job.delivery.webhook <= WebhookId(untried as i64));
    assert_eq!((again.len(), fresh.len()), (stalled, untried));
    // As places come free, everyone has its turn.
    let mut jobs = second;
    let mut ended = first.len();
    while !jobs.is_empty() {
        for job in std::mem::take(&mut jobs) {
            end(&mut lanes, &job, Standing::Stalled, now);
            ended += 1;
        }
        jobs = take_all(&mut lanes, now);
    }
    assert_eq!(ended, 2000);
}

#[tokio::test]
async fn endpoints_that_fail_are_tried_at_an_even_pace_until_one_takes_something() {
    let now = Instant::now();
    let mut lanes = Lanes::default();
    for (webhook, id) in (1..=1000).flat_map(|webhook| (1..=20).map(move |id| (webhook, id))) {
        lanes.push(delivery(webhook, id), 1000, now);
    }
    let fail = |lanes: &mut Lanes, job: &Job, success| {
        let standing = Some(Standing::Answers);
        lanes.answered(job, Lesson { standing, success: Some(success), ..Lesson::default() }, now);
        lanes.recorded(job.delivery.webhook, job.slot, None);
    };
    let mut attempts = 0;
    loop {
        let jobs = take_all(&mut lanes, now);
        attempts += jobs.len();
        jobs.iter().for_each(|job| fail(&mut lanes, job, false));
        if jobs.is_empty() {
            break;
        }
    }
    // Each was tried once; and the burst.
    assert!((1_000..=1_020).contains(&attempts), "{attempts}");
    let turn = lanes.next_turn().unwrap();
    let paced = take_all(&mut lanes, turn + FAILING_PACE * 9);
    assert_eq!(paced.len(), 10);
    let recovered = paced[0].delivery.webhook;
    fail(&mut lanes, &paced[0], true);
    let more = take_all(&mut lanes, turn + FAILING_PACE * 9);
    assert!(more.len() > 4 && more.iter().all(|job| job.delivery.webhook == recovered), "{}", more.len());
}

#[tokio::test]
async fn at_most_256_attempts_are_unrecorded() {
    let now = Instant::now();
    let mut lanes = lanes(1..200, 4, now);
    let mut unrecorded = Vec::new();
    while let Some(job) = lanes.take(now, CLOCK) {
        lanes.answered(&job, Lesson::default(), now);
        unrecorded.push(job);
    }
    assert_eq!(unrecorded.len(), UNRECORDED);
    assert_eq!((lanes.in_flight, lanes.unrecorded()), (0, UNRECORDED));
    lanes.recorded(unrecorded[0].delivery.webhook, unrecorded[0].slot, None);
    assert!(lanes.take(now, CLOCK).is_some() && lanes.take(now, CLOCK).is_none());
}

#[tokio::test]
async fn a_lane_that_overflowed_goes_by_the_database_until_it_has_caught_up() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    let mut reserved = 0;
    while lanes.reserve(WebhookId(1), 64 << 10, now).is_some() {
        reserved += 1;
    }
    assert!((100..=128).contains(&reserved), "an eighth of 64 MiB: {reserved}");
    for _ in 0..reserved {
        lanes.unreserve(WebhookId(1), 64 << 10);
    }
    assert_eq!(lanes.bytes, 0);
    assert_eq!(lanes.reserve(WebhookId(1), 10, now), None);
    assert!(lanes.refused.contains_key(&WebhookId(1)));
    lanes.end_old_refusals(now);
    assert!(lanes.wanted.is_empty(), "its commit may still come");
    lanes.end_old_refusals(now + REFUSED * 2);
    assert_eq!(lanes.wanted.pop(), Some(WebhookId(1)));
    lanes.lane(WebhookId(1), now).behind = false;
    assert!(lanes.reserve(WebhookId(1), 10, now).is_some());
}

#[tokio::test]
async fn what_comes_first_waits_in_memory_for_what_the_database_may_have() {
    let now = Instant::now();
    let mut lanes = Lanes::default();
    assert_eq!(lanes.reserve(WebhookId(1), 10, now), None, "nobody has looked around");
    lanes.looked_around = Some(0);
    assert_eq!(lanes.reserve(WebhookId(1), 10, now), None, "it goes by the database since");
    assert_eq!(lanes.reserve(WebhookId(2), 10, now), Some(0));
    lanes.push(delivery(2, 5), 10, now);
    assert!(lanes.take(now, CLOCK).is_none());
    assert_eq!(lanes.wanted.pop(), Some(WebhookId(2)));
    lanes.push(delivery(2, 4), 10, now);
    lanes.claimed(WebhookId(2), false, now);
    assert_eq!(lanes.take(now, CLOCK).map(|job| job.delivery.id.0), Some(4));
    lanes.forget();
    assert_eq!(lanes.reserve(WebhookId(3), 10, now), None, "others may have had it meanwhile");
}

#[tokio::test]
async fn a_look_moves_back_from_where_a_lane_is_claimed() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    lanes.lane(WebhookId(1), now).due_from = Timestamp(500);
    for (seen, from) in [(700, 500), (300, 300)] {
        lanes.is_due(WebhookId(1), Timestamp(seen), now);
        assert_eq!(lanes.lane(WebhookId(1), now).due_from, Timestamp(from));
        assert_eq!(lanes.wanted.pop(), Some(WebhookId(1)));
    }
}

#[tokio::test]
async fn a_claim_goes_back_to_what_was_refused_and_is_not_yet_committed() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    let late = u64::try_from(LATE_COMMITS.as_millis()).unwrap();
    let from = |lanes: &mut Lanes, due: i64| {
        lanes.claimed_until(WebhookId(1), Timestamp(due), CLOCK, now + Duration::from_secs(1));
        lanes.lane(WebhookId(1), now).due_from.plus(Duration::from_millis(late))
    };
    assert_eq!(from(&mut lanes, CLOCK.0 - 10), Timestamp(CLOCK.0 - 10));
    assert_eq!(from(&mut lanes, CLOCK.0 + 10), CLOCK, "ended before its time");
    lanes.refuse(WebhookId(1), now);
    assert_eq!(from(&mut lanes, CLOCK.0 - 10), Timestamp(CLOCK.0 - 1_000));
    assert!(lanes.refused_is_committed(WebhookId(1)) && !lanes.refused_is_committed(WebhookId(1)));
    assert_eq!(from(&mut lanes, CLOCK.0 - 10), Timestamp(CLOCK.0 - 10));
}

#[tokio::test]
async fn what_waits_behind_others_waits_until_all_of_them_are_claimed_or_too_many() {
    for rounds in [3, CLAIM_AHEAD] {
        let now = Instant::now();
        let mut lanes = Lanes { looked_around: Some(0), ..Lanes::default() };
        assert!(lanes.reserve(WebhookId(1), 10, now).is_some());
        lanes.push(delivery(1, 1_000_000), 10, now);
        let mut claimed = 0;
        while let Some(webhook) = lanes.wanted.pop() {
            assert!(lanes.take(now, CLOCK).is_none());
            let share = lanes.share();
            assert!(
                lanes.lane(webhook, now).claim_now(share) >= CLAIM_LEAST,
                "though nothing is known of it"
            );
            claimed += 1;
            lanes.push(delivery(1, i64::try_from(claimed).unwrap()), 10, now);
            lanes.claimed(webhook, claimed < rounds, now);
        }
        assert!((3..=CLAIM_AHEAD).contains(&claimed));
        assert_eq!(lanes.lane(WebhookId(1), now).behind, rounds > claimed);
        assert_eq!(lanes.take(now, CLOCK).map(|job| job.delivery.id.0), Some(1));
    }
}

#[tokio::test]
async fn a_lane_catches_up_while_more_is_published_all_the_time() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    lanes.lane(WebhookId(1), now).behind = true;
    assert_eq!(lanes.reserve(WebhookId(1), 10, now), None, "1 goes by the database");
    lanes.claimed(WebhookId(1), false, now);
    // While 1 is being committed, 2 may wait in memory already.
    assert!(lanes.reserve(WebhookId(1), 10, now).is_some());
    lanes.push(delivery(1, 2), 10, now);
    assert!(lanes.take(now, CLOCK).is_none(), "2 waits for 1");
    assert!(lanes.refused_is_committed(WebhookId(1)));
    assert_eq!(lanes.wanted.pop(), Some(WebhookId(1)));
    lanes.push(delivery(1, 1), 10, now);
    lanes.claimed(WebhookId(1), false, now);
    let order: Vec<i64> = take_all(&mut lanes, now).iter().map(|job| job.delivery.id.0).collect();
    assert_eq!(order, [1, 2]);
}

#[tokio::test]
async fn a_lane_that_is_behind_wants_more_long_before_it_runs_out() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    lanes.lane(WebhookId(1), now).behind = true;
    let mut wanted = 0;
    while lanes.lane(WebhookId(1), now).wants_more() {
        wanted += 1;
        lanes.push(delivery(1, wanted), 1000, now);
    }
    assert_eq!(usize::try_from(wanted).unwrap(), CLAIM_AHEAD - CLAIM_LEAST + 1);
    let share = lanes.share();
    assert_eq!(lanes.lane(WebhookId(1), now).claim_now(share), 0, "not for a few");
    (0..CLAIM_LEAST).for_each(|_| drop(lanes.lane(WebhookId(1), now).pop()));
    assert!(lanes.lane(WebhookId(1), now).claim_now(share) >= CLAIM_LEAST);
    lanes.lane(WebhookId(1), now).learn(Standing::Stalled, Some(false));
    assert!(!lanes.lane(WebhookId(1), now).wants_more());
}

#[tokio::test]
async fn a_lane_whose_share_is_used_up_claims_many_at_a_time_or_none() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    lanes.lane(WebhookId(1), now).behind = true;
    let (mut id, mut claims) = (0, Vec::new());
    for _ in 0..5_000 {
        let share = lanes.share();
        let lane = lanes.lane(WebhookId(1), now);
        let limit = if lane.wants_more() { lane.claim_now(share) } else { 0 };
        if limit > 0 {
            claims.push(limit);
        }
        for _ in 0..limit.min(CLAIM_EACH) {
            id += 1;
            lanes.push(delivery(1, id), 30_000, now);
        }
        let job = lanes.take(now, CLOCK).unwrap();
        end(&mut lanes, &job, Standing::Answers, now);
    }
    let few = claims.iter().filter(|limit| **limit < CLAIM_LEAST).count();
    assert!(claims.len() < 100 && few < 5, "{claims:?}");
}

#[tokio::test]
async fn a_lane_with_nothing_in_memory_gets_its_turn_however_small_the_others_deliveries_are() {
    let now = Instant::now();
    let lanes = &mut lanes(1..2, 0, now);
    let lane = lanes.lane(WebhookId(1), now);
    assert_eq!((lane.room(1_000), lane.room(0)), (1, 0));
    lane.has_come(1_000);
    assert_eq!(lane.room(30_000), 0);
}

#[tokio::test]
async fn a_lane_takes_next_deliveries_for_as_large_as_the_last_ones() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    let room = |lanes: &mut Lanes| lanes.lane(WebhookId(1), now).room(8 << 20);
    assert_eq!(room(&mut lanes), 127, "of nothing known: for the greatest");
    (0..100).for_each(|id| lanes.push(delivery(1, id), 1000, now));
    assert!((7_500..=8_400).contains(&room(&mut lanes)), "{}", room(&mut lanes));
    (100..120).for_each(|id| lanes.push(delivery(1, id), 65_000, now));
    assert!((100..=120).contains(&room(&mut lanes)), "{}", room(&mut lanes));
}

#[tokio::test]
async fn a_lane_that_cannot_catch_up_sends_what_it_has() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 3, now);
    lanes.reserve(WebhookId(1), usize::MAX >> 1, now);
    lanes.claimed(WebhookId(1), false, now);
    assert!(lanes.take(now, CLOCK).is_none());
    lanes.fall_behind(WebhookId(1));
    assert_eq!(take_all(&mut lanes, now).len(), 3);
}

#[tokio::test]
async fn first_attempts_start_in_event_order() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 0, now);
    for id in [1, 3, 2, 5, 4] {
        lanes.push(delivery(1, id), 10, now);
    }
    let order: Vec<i64> = take_all(&mut lanes, now).iter().map(|job| job.delivery.id.0).collect();
    assert_eq!(order, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_pause_holds_the_lane_until_its_end() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 10, now);
    let job = lanes.take(now, CLOCK).unwrap();
    let until = CLOCK.plus(Duration::from_secs(30));
    lanes.answered(&job, Lesson { pause: Some(until), ..Lesson::default() }, now);
    assert!(lanes.take(now, CLOCK).is_none());
    assert_eq!(lanes.next_pause_end(), Some(until));
    lanes.unpause(until);
    assert!(lanes.take(now, until).is_some());
}

#[tokio::test]
async fn a_lost_lease_forgets_what_waits_and_keeps_what_is_unrecorded() {
    let now = Instant::now();
    let mut lanes = lanes(1..2, 10, now);
    let job = lanes.take(now, CLOCK).unwrap();
    lanes.forget();
    assert!(lanes.take(now, CLOCK).is_none());
    assert_eq!((lanes.queued, lanes.bytes, lanes.unrecorded()), (0, 1000, 1));
    assert_ne!(job.generation, lanes.generation);
    end(&mut lanes, &job, Standing::Answers, now);
    assert_eq!((lanes.bytes, lanes.unrecorded()), (0, 0));
}

#[derive(Debug, Clone)]
enum Step {
    Push(i64),
    Take,
    /// 0: it stalled, 1: it took it, 2: it failed.
    Answer(usize, u8),
    Record(usize),
    Forget,
    /// What is published, with room for it or not.
    Publish(i64),
    /// A claim that finds nothing, with some left or not.
    Claim(bool),
    /// A claim that fails.
    FallBehind(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_i64).prop_map(Step::Push),
        4 => Just(Step::Take),
        3 => (any::<usize>(), 0..3_u8).prop_map(|(at, how)| Step::Answer(at, how)),
        3 => any::<usize>().prop_map(Step::Record),
        1 => Just(Step::Forget),
        4 => (0..6_i64).prop_map(Step::Publish),
        3 => any::<bool>().prop_map(Step::Claim),
        1 => (0..6_i64).prop_map(Step::FallBehind),
    ]
}

proptest! {
    /// Whatever happens in whatever order: all is accounted for, and once everything ends nothing is left waiting.
    #[test]
    fn counts_always_agree_and_nothing_is_stuck(steps in proptest::collection::vec(step(), 1..300)) {
        let now = Instant::now();
        let mut lanes = Lanes { looked_around: Some(0), ..Lanes::default() };
        let (mut flying, mut answered): (Vec<Job>, Vec<Job>) = Default::default();
        let mut id = 0;
        for step in steps {
            match step {
                Step::Push(webhook) => {
                    id += 1;
                    lanes.push(delivery(webhook, id), 100, now);
                }
                Step::Take => flying.extend(lanes.take(now, CLOCK)),
                Step::Answer(at, how) if !flying.is_empty() => {
                    let job = flying.swap_remove(at % flying.len());
                    let standing = if how == 0 { Standing::Stalled } else { Standing::Answers };
                    let lesson = Lesson { standing: Some(standing), success: Some(how == 1), ..Lesson::default() };
                    lanes.answered(&job, lesson, now);
                    answered.push(job);
                }
                Step::Record(at) if !answered.is_empty() => {
                    let job = answered.swap_remove(at % answered.len());
                    lanes.recorded(job.delivery.webhook, job.slot, None);
                }
                Step::Forget => lanes.forget(),
                Step::Publish(webhook) => {
                    id += 1;
                    if lanes.reserve(WebhookId(webhook), 100, now).is_some() {
                        lanes.unreserve(WebhookId(webhook), 100);
                        lanes.push(delivery(webhook, id), 100, now);
                    }
                }
                Step::Claim(rows_left) => {
                    if let Some(webhook) = lanes.wanted.pop() {
                        lanes.claimed(webhook, rows_left, now);
                    }
                }
                Step::FallBehind(webhook) => lanes.fall_behind(WebhookId(webhook)),
                Step::Answer(..) | Step::Record(_) => {}
            }
            prop_assert_eq!(lanes.in_flight, flying.len());
            prop_assert_eq!(lanes.unrecorded(), flying.len() + answered.len());
            prop_assert_eq!(lanes.bytes, 100 * (lanes.queued + flying.len()));
        }
        answered.append(&mut Vec::new());
        for job in answered.drain(..) {
            lanes.recorded(job.delivery.webhook, job.slot, None);
        }
        // A look, which finds nothing more.
        lanes.end_old_refusals(now + REFUSED * 2);
        lanes.want_all_that_catch_up();
        while let Some(webhook) = lanes.wanted.pop() {
            lanes.claimed(webhook, false, now);
        }
        // Time passes as it does for senders: until the next turn of those that fail.
        let mut later = now;
        loop {
            later = later.max(lanes.next_turn().unwrap_or(later));
            flying.extend(take_all(&mut lanes, later));
            let Some(job) = flying.pop() else { break };
            end(&mut lanes, &job, Standing::Answers, later);
        }
        prop_assert_eq!((lanes.queued, lanes.in_flight, lanes.bytes, lanes.unrecorded()), (0, 0, 0, 0));
    }
}
