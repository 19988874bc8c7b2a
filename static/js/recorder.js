/* Records speech into a file field as WAV. Markup: [data-recorder] around an
   input[type=file], with data-recorder-worklet (address of the worklet) and
   data-recorder-seconds; in it [data-recorder-tools] (hidden until the script is there):
   [data-recorder-start] starts and stops, [data-recorder-hear] plays what was recorded,
   meter[data-recorder-level] and [data-recorder-say] (aria-live).
   MediaRecorder writes WebM, which the server does not take: samples are taken from the
   graph and written as PCM of 16 bits. Nothing leaves the page before the form is sent, and
   it is not sent while something is being recorded: it would send what came before. */

const RATE = 16000;
const state = new WeakMap(); // a recording from the press that begins it to its end

/** Write samples as PCM of 16 bits, at most `most` of them. */
function wav(blocks, rate, most) {
  const n = Math.min(most, blocks.reduce((sum, one) => sum + one.length, 0));
  const view = new DataView(new ArrayBuffer(44 + 2 * n));
  const text = (at, letters) => [...letters].forEach((one, i) => view.setUint8(at + i, one.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * n, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * n, true);
  let at = 44;
  for (const block of blocks)
    for (const level of block) {
      if (at === 44 + 2 * n) return view.buffer;
      view.setInt16(at, Math.round(Math.max(-1, Math.min(1, level)) * 32767), true);
      at += 2;
    }
  return view.buffer;
}

const part = (root, name) => root.querySelector(`[data-recorder-${name}]`);
const inputOf = (root) => root.querySelector("input[type=file]");

function say(root, words) {
  part(root, "say").textContent = words;
}

function label(root, words) {
  part(root, "start").firstChild.textContent = `${words} `;
}

/** Open the graph, at the rate that is wanted or at the microphone's own. */
async function listen(recording, root, options) {
  const context = new AudioContext(options);
  recording.context = context;
  // Before anything is awaited: Firefox throws here where the rates differ.
  const source = context.createMediaStreamSource(recording.stream);
  await context.audioWorklet.addModule(root.dataset.recorderWorklet);
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  tap.port.onmessage = ({ data }) => take(root, recording, data);
  source.connect(tap);
}

function take(root, recording, block) {
  if (state.get(root) !== recording || !recording.runs) return;
  const { context, most } = recording;
  recording.blocks.push(block);
  recording.n += block.length;
  part(root, "level").value = block.reduce((loud, one) => Math.max(loud, Math.abs(one)), 0);
  say(root, `${(recording.n / context.sampleRate).toFixed(0)} s`);
  if (recording.n >= most * context.sampleRate) stop(root);
}

async function start(root) {
  const most = Number(root.dataset.recorderSeconds);
  const recording = { most, blocks: [], n: 0, runs: false };
  state.set(root, recording);
  inputOf(root).setCustomValidity("Stop recording first, then send it.");
  say(root, "Waiting for the microphone.");
  try {
    recording.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, autoGainControl: false, noiseSuppression: false },
    });
    await listen(recording, root, { sampleRate: RATE }).catch(() => {
      recording.context?.close();
      return listen(recording, root);
    });
  } catch (error) {
    release(recording);
    if (state.get(root) !== recording) return;
    forget(root);
    say(root, `${reason(recording, error)} Choose a file instead.`);
    return;
  }
  if (state.get(root) === recording) begin(root, recording);
  else release(recording); // a file was chosen meanwhile
}

function reason(recording, error) {
  if (recording.stream) return "This browser cannot record from the microphone.";
  if (error.name === "NotAllowedError") return "The browser may not use the microphone.";
  return error.name === "NotReadableError" ? "Something else uses the microphone." : "No microphone was found.";
}

/** From here on nothing can be sent but what is being recorded. */
function begin(root, recording) {
  recording.runs = true;
  inputOf(root).value = "";
  part(root, "hear").hidden = true;
  root.dataset.recording = "";
  label(root, "Stop");
  say(root, "0 s");
}

function release(recording) {
  recording.stream?.getTracks().forEach((one) => one.stop());
  if (recording.context && recording.context.state !== "closed") recording.context.close();
}

/** Leave the form as it is without a recording. */
function forget(root) {
  state.delete(root);
  delete root.dataset.recording;
  inputOf(root).setCustomValidity("");
  part(root, "level").value = 0;
}

function stop(root) {
  const recording = state.get(root);
  release(recording);
  forget(root);
  const rate = recording.context.sampleRate;
  const most = Math.floor(recording.most * rate);
  const n = Math.min(recording.n, most);
  label(root, n ? "Record again" : "Record");
  if (!n) {
    say(root, "Nothing came from the microphone.");
    return;
  }
  const files = new DataTransfer();
  files.items.add(new File([wav(recording.blocks, rate, most)], "recording.wav", { type: "audio/wav" }));
  inputOf(root).files = files.files;
  part(root, "hear").hidden = false;
  say(root, `${(n / rate).toFixed(1)} s recorded. Hear it again, or send it.`);
}

/** A file that is chosen takes the place of what is being recorded. */
function chosen(root) {
  const recording = state.get(root);
  if (recording) {
    release(recording);
    forget(root);
    label(root, "Record");
    say(root, "");
  }
  part(root, "hear").hidden = !inputOf(root).files.length;
}

async function hear(root) {
  const file = inputOf(root).files[0];
  if (!file) return;
  const context = new AudioContext();
  const source = context.createBufferSource();
  try {
    source.buffer = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    say(root, "This file cannot be played here.");
    context.close();
    return;
  }
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
}

document.addEventListener("click", (event) => {
  const root = event.target.closest("[data-recorder]");
  if (!root) return;
  if (event.target.closest("[data-recorder-start]")) {
    // A press while the browser still asks for the microphone changes nothing.
    if (!state.has(root)) start(root);
    else if (state.get(root).runs) stop(root);
  } else if (event.target.closest("[data-recorder-hear]")) hear(root);
});

for (const root of document.querySelectorAll("[data-recorder]")) {
  if (!navigator.mediaDevices || !globalThis.AudioWorkletNode) continue;
  part(root, "tools").hidden = false;
  inputOf(root).addEventListener("change", () => chosen(root));
}
