//! The whole call with no line of ours at either end: Pion is the customer's phone, aiortc the agent's tab.

use std::time::Duration;

use tests::agent::Agent;
use tests::caller::Caller;
use tests::house::House;
use tests::tone;

#[tokio::test(flavor = "multi_thread")]
async fn pion_calls_and_aiortc_answers() {
    let house = House::start().await;
    let mut agent = Agent::on_duty(&house, "ana@demo.example", AGENT_HZ as u32).await;
    let mut caller = Caller::calls(&house, CALLER_HZ).await;

    caller.presses("1").await;
    agent.rings().await;
    // Three seconds in the queue: the caller hears music, which the recording of what it heard shows below.
    tokio::time::sleep(Duration::from_secs(3)).await;
    agent.answers().await;
    agent.hears_tone(CALLER_HZ as i64).await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    agent.says("hold").await;
    agent.is("on_hold").await;
    let on_hold = agent.hears(Duration::from_secs(2)).await;
    // The first windows still hold what was under way when the button was pressed.
    let late = on_hold.iter().skip(3).filter(|hz| (**hz - CALLER_HZ as i64).abs() < 20).count();
    assert_eq!(late, 0, "the agent hears the caller on hold: {on_hold:?}");
    agent.says("resume").await;
    agent.is("connected").await;
    agent.hears_tone(CALLER_HZ as i64).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agent.says("hang_up").await;
    agent.is_free().await;

    let call = caller.call.clone();
    let heard = caller.closes().await;
    heard.is_without_a_gap();
    what_the_caller_heard_is_prompt_music_agent_music_agent(&heard.packets);
    the_log_has_one_row_that_tells_it(&house, &call).await;
}

fn what_the_caller_heard_is_prompt_music_agent_music_agent(packets: &[Vec<u8>]) {
    let sound = tone::decoded(packets);
    let slice = tone::RATE / 5;
    let phases: String = sound
        .chunks(slice)
        .map(|part| match (tone::is_tone(part, AGENT_HZ), tone::loudness(part) > -50.0) {
            (true, _) => 'A',
            (false, true) => 's',
            (false, false) => '.',
        })
        .collect();
    let talks: Vec<&str> = phases.split(|c| c != 'A').filter(|run| run.len() >= 3).collect();
    assert_eq!(talks.len(), 2, "the agent is heard before and after the hold, and only then: {phases}");
    let first = phases.find("AAA").expect("the agent is heard");
    let between = &phases[first..phases.rfind("AAA").expect("twice")];
    assert!(phases[..first].matches('s').count() >= 15, "prompt and music come first: {phases}");
    assert!(between.matches('s').count() >= 8, "music fills the hold: {phases}");
}

async fn the_log_has_one_row_that_tells_it(house: &House, wacid: &str) {
    let desk = house.desk("admin@demo.example").await;
    house.wait_for("the call is over", || async { desk.row_of(wacid).await["status"] == "completed" }).await;
    let rows = desk.rows_of(wacid).await;
    assert_eq!(rows.len(), 1, "exactly one row: {rows:?}");
    let row = &rows[0];
    assert_eq!(row["direction"], "incoming");
    assert_eq!(row["flow"]["name"], "Main menu");
    assert_eq!(row["digits"], "1");
    assert_eq!(row["agent"]["name"], "Ana");
    assert_eq!(row["ended_by"], "agent");
    let ms = |key: &str| row[key].as_i64().unwrap_or(-1);
    assert!((3_000..8_000).contains(&ms("wait_ms")), "{row}");
    assert!((3_000..9_000).contains(&ms("talk_ms")), "{row}");
    assert!((2_000..5_000).contains(&ms("hold_ms")), "{row}");
}

const CALLER_HZ: f32 = 440.0;
const AGENT_HZ: f32 = 600.0;
