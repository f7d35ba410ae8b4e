//! Runs operations with a number of calls in flight, and measures their cost.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{Result, Subject, cpu, memory};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    Get,
    Put,
    Save,
    Destroy,
}

impl Operation {
    async fn run<S: Subject>(self, subject: &S, lane: &mut S::Lane) -> Result {
        match self {
            Self::Get => {
                black_box(subject.get().await?);
            }
            Self::Put => subject.put(lane).await?,
            Self::Save => subject.save(lane).await?,
            Self::Destroy => subject.destroy().await?,
        }
        Ok(())
    }
}

/// Repeats an operation in each lane for this time.
pub async fn run<S: Subject>(
    subject: &Rc<S>,
    operation: Operation,
    in_flight: usize,
    seconds: Option<f64>,
) -> Result<Value> {
    let mut lanes = Vec::new();
    for _ in 0..in_flight {
        lanes.push(subject.lane().await?);
    }
    let running = Rc::new(Cell::new(true));
    let mut tasks = JoinSet::new();
    memory::forget_peak()?;
    let (began, cpu) = (Instant::now(), cpu::process()?);
    for mut lane in lanes {
        let (subject, running) = (Rc::clone(subject), Rc::clone(&running));
        tasks.spawn_local(async move {
            let mut times = Vec::new();
            while times.is_empty() || running.get() {
                let start = Instant::now();
                let done = operation.run(&*subject, &mut lane).await;
                done.map_err(|error| format!("{error:?}"))?;
                times.push(start.elapsed());
            }
            Ok::<_, String>(times)
        });
    }
    if let Some(seconds) = seconds {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
    running.set(false);
    let mut times = Vec::new();
    while let Some(lane) = tasks.join_next().await {
        times.extend(lane??);
    }
    let (took, cpu) = (began.elapsed(), cpu::process()?.saturating_sub(cpu));

    times.sort_unstable();
    let count = u32::try_from(times.len())?;
    let quantile = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    Ok(json!({
        "operations": count,
        "processUs": cpu.as_secs_f64() * 1e6 / f64::from(count),
        "perSecond": f64::from(count) / took.as_secs_f64(),
        "p50Ms": quantile(50),
        "p99Ms": quantile(99),
        "rssMb": memory::peak_rss_mb()?,
    }))
}

/// The peak of the memory that one operation allocates, after connections and buffers exist.
pub async fn memory<S: Subject>(subject: &Rc<S>, operation: Operation) -> Result<Value> {
    const WARM_UP: usize = 8;
    let mut lane = subject.lane().await?;
    for _ in 0..WARM_UP {
        operation.run(&**subject, &mut lane).await?;
    }
    memory::start_counting();
    let done = operation.run(&**subject, &mut lane).await;
    let peak = memory::stop_counting();
    done?;
    Ok(json!({ "peakBytes": peak }))
}
