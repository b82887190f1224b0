//! Bodies that are wrong, field by field.

use super::{CALLS, Center, report};
use crate::harness::macros::on_both;
use crate::harness::{Server, Value, json};

fn with(base: &Value, field: &str, value: Value) -> Value {
    let mut body = base.clone();
    body[field] = value;
    body
}

fn without(base: &Value, field: &str) -> Value {
    let mut body = base.clone();
    body.as_object_mut().unwrap().remove(field);
    body
}

on_both! {
    async fn every_wrong_field_is_named_and_nothing_happens(server) {
        let center = Center::open(&server).await;
        center.with_kim("c1").await;
        let before = center.call("c1").await;
        let head = center.head().await;
        let long = |count: usize| Value::from("x".repeat(count));
        let good = json!({ "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        for (field, value, named) in [
            ("id", json!(""), "id"),
            ("id", json!("a b"), "id"),
            ("id", long(65), "id"),
            ("id", json!(1), "id"),
            ("external_id", long(201), "external_id"),
            ("direction", json!("sideways"), "direction"),
            ("from", json!({}), "from.number"),
            ("from", json!({ "number": "" }), "from.number"),
            ("from", json!({ "number": "1".repeat(65) }), "from.number"),
            ("from", json!({ "number": "1\n" }), "from.number"),
            ("from", json!({ "number": "1", "name": "x".repeat(201) }), "from.name"),
            ("from", json!({ "number": "1", "nmae": "x" }), "from.nmae"),
            ("from", json!(["1"]), "from"),
            ("to", json!("2"), "to"),
            ("queue_id", json!("nowhere"), "queue_id"),
            ("queue_id", json!("no where"), "queue_id"),
            ("user_id", json!("nobody"), "user_id"),
            ("more", json!(1), "more"),
        ] {
            center.pbx.post(CALLS, with(&good, field, value)).await.assert_error(422).names(named);
        }
        for field in ["direction", "from", "to"] {
            center.pbx.post(CALLS, without(&good, field)).await.assert_error(422).names(field);
        }
        for (what, body, named) in [
            ("enqueue", json!({}), "queue_id"),
            ("enqueue", json!({ "queue_id": "nowhere" }), "queue_id"),
            ("dequeue", json!({ "reason": "abandoned" }), "reason"),
            ("ring", json!({}), "user_id"),
            ("ring", json!({ "user_id": "nobody" }), "user_id"),
            ("ring", json!({ "user_id": 1 }), "user_id"),
            ("miss", json!({ "user_id": center.kim_id }), "outcome"),
            ("miss", json!({ "user_id": center.kim_id, "outcome": "bored" }), "outcome"),
            ("answer", json!({ "user_id": "nobody" }), "user_id"),
            ("hold", json!({ "user": center.kim_id }), "user"),
            ("unhold", json!({ "user_id": "" }), "user_id"),
            ("transfer", json!({ "kind": "blind" }), "to"),
            ("transfer", json!({ "kind": "blind", "to": {} }), "to"),
            ("transfer", json!({ "kind": "blind", "to": { "user_id": center.kim_id, "number": "1" } }), "to"),
            ("transfer", json!({ "kind": "bold", "to": { "number": "1" } }), "kind"),
            ("transfer", json!({ "kind": "blind", "to": { "number": "" } }), "to.number"),
            ("transfer", json!({ "kind": "blind", "to": { "queue_id": "nowhere" } }), "to.queue_id"),
            ("transfer", json!({ "kind": "blind", "to": { "user_id": "nobody" } }), "to.user_id"),
            ("end", json!({ "ended_by": "fate" }), "ended_by"),
            ("end", json!({ "outcome": "fine" }), "outcome"),
            ("end", json!({ "merged_into": "a b" }), "merged_into"),
        ] {
            report(&center.pbx, "c1", what, body).await.assert_error(422).names(named);
        }
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        let attributes: serde_json::Map<String, Value> = many.iter().map(|key| (key.clone(), json!("x"))).collect();
        for (field, value, named) in [
            ("disposition", long(101), "disposition"),
            ("disposition", json!(""), "disposition"),
            ("tags", json!(many), "tags"),
            ("tags", json!(["x".repeat(51)]), "tags[0]"),
            ("tags", json!("x"), "tags"),
            ("attributes", Value::Object(attributes), "attributes"),
            ("attributes", json!({ "k": "x".repeat(1001) }), "attributes.k"),
            ("attributes", json!({ "": "x" }), "attributes"),
            ("attributes", json!({ "k": 1 }), "attributes.k"),
            ("state", json!("ended"), "state"),
        ] {
            let body = with(&json!({}), field, value);
            center.pbx.patch(&format!("{CALLS}/c1"), body).await.assert_error(422).names(named);
        }
        center.pbx.post(CALLS, json!([1])).await.assert_error(422);
        center.pbx.post(CALLS, json!({})).raw("application/json", "{").await.assert_error(400);
        for id in ["nothing", "no%20id"] {
            report(&center.pbx, id, "end", json!({})).await.assert_error(404);
        }
        for query in ["active=maybe", "from=yesterday", "to=1", "user_id=a%20b", "cursor=x", "limit=0"] {
            center.pbx.get(&format!("{CALLS}?{query}")).await.assert_error(400);
        }
        assert_eq!(center.head().await, head);
        let after = center.call("c1").await;
        for field in ["state", "legs", "tags", "attributes", "disposition"] {
            if field != "legs" {
                assert_eq!(after[field], before[field], "{field}");
            }
        }
        assert_eq!(center.pbx.get(CALLS).await.expect(200).data().as_array().unwrap().len(), 1);
    }
}
