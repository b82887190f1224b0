//! `mask_personal_data`

use super::{path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::wait::eventually;
use crate::harness::{Server, json};

on_both! {
    async fn personal_data_is_masked_in_what_is_sent_and_shown_and_stays_in_the_log(server) {
        let (masked, full) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        let settings = json!({ "url": masked.url(), "secret": "s3cret", "mask_personal_data": true });
        let id = webhook(&admin, settings).await;
        let other = webhook(&admin, json!({ "url": full.url() })).await;
        let payload = json!({ "from": { "number": "+49 30 901820", "name": "Anna" }, "to": { "number": "0800123" } });
        let call = json!({ "type": "order.paid", "payload": payload });
        admin.post("/api/v1/events", call).await.expect(202);
        let custom = masked.wait_for(1).await.remove(0);
        assert_eq!(custom.json()["data"]["from"]["name"], "Anna", "a custom event has one form");
        full.wait_for(1).await;

        // Calls are not reported yet: the event becomes one by hand, and both get it once more.
        eventually("both to be recorded", async || {
            for id in [&id, &other] {
                let logs = admin.get(&format!("{}/logs?status=success", path(id))).await.expect(200);
                logs.data().get(0)?;
            }
            Some(())
        })
        .await;
        server.sql("UPDATE events SET event = 'call.incoming'; UPDATE webhook_logs SET event = 'call.incoming';").await;
        for (id, log) in [(&id, 1), (&other, 2)] {
            admin.post_empty(&format!("{}/logs/{log}/retry", path(id))).await.expect(202);
        }
        let received = masked.wait_for(2).await.remove(1);
        assert_eq!(received.json()["event"], "call.incoming");
        assert_eq!(received.json()["data"]["from"], json!({ "number": "+** ** ****20", "name": "***" }));
        assert_eq!(received.json()["data"]["to"], json!({ "number": "0800123" }));
        assert!(received.is_signed_by("s3cret"));
        let entry = admin.get(&format!("{}/logs/1", path(&id))).await.expect(200);
        let sent = std::str::from_utf8(&received.body).unwrap();
        assert!(!entry.text.contains("Anna") && !entry.text.contains("901820"), "{}", entry.text);
        let shown = &entry.data()["request"]["body"];
        assert!(*shown == json!(sent) || *shown == received.json(), "{}", entry.text);

        let received = full.wait_for(2).await.remove(1);
        assert_eq!(received.json()["data"]["from"], json!({ "number": "+49 30 901820", "name": "Anna" }));
    }
}
