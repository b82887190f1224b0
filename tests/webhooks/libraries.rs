//! The published libraries of Standard Webhooks, in other languages than ours, take our signatures for good.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ALL, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::process::{Dir, guarded, run, tools_dir};
use crate::harness::sink::{Received, Sink};
use crate::harness::{Client, Server, Value, json};

/// Each prints `ok` or its complaint for every line of standard input: secret, headers and body.
const PYTHON: &str = r#"
import json, sys
from standardwebhooks import Webhook
for line in sys.stdin:
    case = json.loads(line)
    try:
        Webhook(case["secret"]).verify(case["body"].encode(), case["headers"])
        print("ok")
    except Exception as error:
        print(error)
"#;
const NODE: &str = r#"
const { Webhook } = require("standardwebhooks");
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(Buffer.from(body), headers);
    console.log("ok");
  } catch (error) {
    console.log(error.message);
  }
}
"#;

/// What the libraries say about each delivery and secret.
async fn verdicts(cases: &[(&Received, String)]) -> [Vec<String>; 2] {
    let line = |(received, secret): &(&Received, String)| {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: Value =
            names.iter().map(|name| ((*name).to_owned(), Value::from(received.header(name)))).collect();
        let body = std::str::from_utf8(&received.body).expect("bodies are text");
        format!("{}\n", json!({ "secret": secret, "headers": headers, "body": body }))
    };
    let input: String = cases.iter().map(line).collect();
    let dir = Dir::new("libraries");
    let ask = async |program: &str, option: &str, script: &str| {
        let mut command = guarded(program);
        command.args([option, script]).current_dir(dir.path());
        command
            .env("PYTHONPATH", tools_dir().join("python"))
            .env("NODE_PATH", tools_dir().join("node_modules"));
        let output = run(command, &input).await;
        assert!(output.status.success(), "scripts/test installs the libraries: {output:?}");
        let lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), cases.len(), "{output:?}");
        lines
    };
    [ask("python3", "-c", PYTHON).await, ask("node", "-e", NODE).await]
}

/// A secret that is not `whsec_…`, as the libraries want it.
fn for_libraries(secret: &str) -> String {
    STANDARD.encode(secret)
}

async fn test_delivery(admin: &Client, id: &Value, sink: &Sink) -> Received {
    admin.post_empty(&format!("{}/test", path(id))).await.expect(200);
    sink.received().pop().expect("it has come")
}

on_both! {
    async fn the_published_libraries_of_other_languages_verify_our_deliveries(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let made = admin.post(ALL, json!({ "url": sink.url() })).await.expect(201);
        let (id, whsec) = (made.data()["id"].clone(), made.text_of("secret").to_owned());
        let by_whsec = test_delivery(&admin, &id, &sink).await;

        let rotate = format!("{}/rotate-secret", path(&id));
        let next = admin.post_empty(&rotate).await.expect(200).text_of("secret").to_owned();
        let by_both = test_delivery(&admin, &id, &sink).await;

        let own = "Geheimnis für uns, 100 %";
        let id = webhook(&admin, json!({ "url": sink.url(), "secret": own })).await;
        let by_own = test_delivery(&admin, &id, &sink).await;
        admin.post(&format!("{}/rotate-secret", path(&id)), json!({ "secret": "another" })).await.expect(200);
        let by_own_and_another = test_delivery(&admin, &id, &sink).await;

        let mut tampered = by_whsec.clone();
        tampered.body = String::from_utf8_lossy(&tampered.body).replace("tenant-123", "tenant-124").into();
        let good = [
            (&by_whsec, whsec.clone()),
            (&by_both, whsec.clone()),
            (&by_both, next.clone()),
            (&by_own, for_libraries(own)),
            (&by_own_and_another, for_libraries(own)),
            (&by_own_and_another, for_libraries("another")),
        ];
        let bad = [(&tampered, whsec.clone()), (&by_whsec, next), (&by_own, for_libraries("another"))];
        for verdicts in verdicts(&[good.as_slice(), bad.as_slice()].concat()).await {
            let (good, bad) = verdicts.split_at(good.len());
            assert!(good.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
            assert!(bad.iter().all(|verdict| verdict == "No matching signature found"), "{verdicts:?}");
        }
    }
}
