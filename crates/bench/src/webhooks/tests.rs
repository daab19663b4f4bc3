use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{App, Lanes, Latencies, Load, PROVIDERS, Until};
use crate::lab::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_sent_arrives_in_order_and_is_timed() {
    let lab = Lab::on_loopback().unwrap();
    let lanes = 2 * PROVIDERS.len();
    let app = App::start(&lab.client, lanes).await.unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, app.port));
    let mut lanes = Lanes::open(&lab.server, address, 0..lanes).await.unwrap();

    let flat_out = lanes.send(Load::flat_out(Until::Each(3))).await.unwrap();
    assert_eq!(lanes.sent(), 60);
    let paced = Load::paced(1_000.0, Duration::from_millis(40));
    let paced = lanes.send(paced).await.unwrap();
    app.wait_for(lanes.sent()).await.unwrap();

    let mut took = Latencies::default();
    took.add(&lanes, &app, flat_out).unwrap();
    assert_eq!((took.arrival.len(), took.answer.len()), (60, 60));
    took.add(&lanes, &app, paced).unwrap();
    assert_eq!(took.arrival.len() as u64, lanes.sent());
    let first_of_each = took.arrival.iter().zip(&took.answer);
    assert!(
        first_of_each
            .clone()
            .all(|(arrival, answer)| arrival <= answer)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_comes_twice_ends_the_measurement() {
    let lab = Lab::on_loopback().unwrap();
    let app = App::start(&lab.client, PROVIDERS.len()).await.unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, app.port));
    for _ in 0..2 {
        let mut lanes = Lanes::open(&lab.server, address, 0..PROVIDERS.len())
            .await
            .unwrap();
        // The second time each is one that has been there, and the app hangs up.
        lanes.send(Load::flat_out(Until::Each(1))).await.ok();
    }
    let error = app.wait_for(20).await.unwrap_err();
    assert!(error.to_string().contains("where 1 was due"), "{error}");
}
