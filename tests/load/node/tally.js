// What came of the calls of a run, printed as aquifer_load prints it.
export class Tally {
  latencies = [];
  failures = 0;
  firstFailure = '';

  failed(why) {
    if (this.failures++ === 0) this.firstFailure = String(why);
  }

  print(seconds) {
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (share) => sorted[Math.max(Math.ceil(share * sorted.length), 1) - 1] ?? 0;
    const mean = sorted.length ? sorted.reduce((sum, value) => sum + value, 0) / sorted.length : 0;
    console.log(JSON.stringify({
      calls: sorted.length,
      failures: this.failures,
      first_failure: this.firstFailure,
      seconds,
      latency_us: { mean, p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    }));
  }
}

// So many callers, each making the next call when the last is answered; what is answered counts after
// a warm-up. `call` resolves to what is wrong with the answer, or to nothing.
export async function callInTurn(callers, warmSeconds, seconds, call) {
  const tally = new Tally();
  const begin = performance.now() + warmSeconds * 1000;
  const end = begin + seconds * 1000;
  // The harness reads the processes' times then.
  setTimeout(() => console.error('measuring'), warmSeconds * 1000);
  const caller = async () => {
    while (performance.now() < end) {
      const since = performance.now();
      try {
        const wrong = await call();
        const now = performance.now();
        if (wrong) tally.failed(wrong);
        else if (now >= begin) tally.latencies.push((now - since) * 1000);
      } catch (error) {
        tally.failed(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  tally.print((performance.now() - begin) / 1000);
}
