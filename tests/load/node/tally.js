// What came of the calls of a run, printed as aquifer_load prints it.
export class Tally {
  latencies = [];
  failures = 0;
  firstFailure = '';

  failed(why) {
    if (this.failures++ === 0) this.firstFailure = String(why);
  }

  print(seconds, processorSeconds) {
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (share) => sorted[Math.max(Math.ceil(share * sorted.length), 1) - 1] ?? 0;
    const mean = sorted.length ? sorted.reduce((sum, value) => sum + value, 0) / sorted.length : 0;
    console.log(JSON.stringify({
      calls: sorted.length,
      failures: this.failures,
      first_failure: this.firstFailure,
      seconds,
      processor_seconds: processorSeconds,
      latency_us: { mean, p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    }));
  }
}

// So many callers, each making the next call when the last is answered. `call` resolves to what is
// wrong with the answer, or to nothing.
export async function callInTurn(callers, seconds, call) {
  const tally = new Tally();
  const processor = process.cpuUsage();
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async () => {
    while (performance.now() < end) {
      const since = performance.now();
      try {
        const wrong = await call();
        if (wrong) tally.failed(wrong);
        else tally.latencies.push((performance.now() - since) * 1000);
      } catch (error) {
        tally.failed(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(processor);
  tally.print(elapsed, (user + system) / 1e6);
}
