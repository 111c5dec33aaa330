import { logFile, type LogFile } from './log-file.ts';
import { openFifos, readLogStream, type LogStreamReader } from './log-stream.ts';
import type { LogRequest } from './protocol.ts';
import { openReadBuffer } from './read-buffer.ts';

/** Carries output from FIFOs to log files. */
export interface LogPump {
  /** Idempotent by key. Throws when a FIFO cannot be opened, or is none; then nothing is attached. */
  attach(request: LogRequest): void;
  /** Carry over what is in the FIFOs now, and forget the log. */
  drain(key: string): void;
  /** Stop reading all logs. What is unread stays where it is. */
  stop(): void;
  keys(): string[];
}

interface Log {
  readonly file: LogFile;
  readonly readers: LogStreamReader[];
}

export interface LogPumpOptions {
  /** Called when all writers of all streams of a log are gone; the log is forgotten by then. */
  readonly onEnded: (key: string) => void;
  /** Called when output of a log begins to be lost, and from time to time as long as it is, with the reason in words. */
  readonly onLoss: (key: string, message: string) => void;
  /** Told what people should know. */
  readonly warn: (message: string) => void;
}

export function logPump({ onEnded, onLoss, warn }: LogPumpOptions): LogPump {
  const logs = new Map<string, Log>();

  function attach(request: LogRequest): void {
    const { key, streams } = request;
    if (logs.has(key)) return;
    const fds = openFifos(streams.map(({ fifo }) => fifo));
    const log: Log = { file: logFile(request, (message) => onLoss(key, message)), readers: [] };
    logs.set(key, log);
    const inputs = streams.map(({ fifo, stream }) => ({ stream, buffer: openReadBuffer(`${fifo}.unwritten`, warn) }));
    for (const input of inputs) log.file.recover(input);
    for (const [at, fd] of fds.entries()) {
      const input = inputs[at];
      if (input) log.readers.push(readLogStream(fd, input, log.file, () => endIfLast(key, log)));
    }
  }

  function endIfLast(key: string, log: Log): void {
    if (logs.get(key) !== log || !log.readers.every(({ ended }) => ended)) return;
    forget(key, log);
    onEnded(key);
  }

  function forget(key: string, { file }: Log): void {
    logs.delete(key);
    file.close();
  }

  return {
    attach,
    drain(key) {
      const log = logs.get(key);
      if (!log) return;
      for (const reader of log.readers) reader.drain();
      forget(key, log);
    },
    stop() {
      for (const { readers } of logs.values()) for (const reader of readers) reader.stop();
      logs.clear();
    },
    keys: () => [...logs.keys()],
  };
}
