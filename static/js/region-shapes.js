/* What boxes, polygons and points are: read from a row's texts, written to them, drawn,
   moved, pulled at a handle. A geometry is {x, y, w, h}, {corners: [[x, y], …]} or {x, y} in
   pixels of the picture; `size` is {width, height} of it. Each kind has:
   - noun; read(text): a geometry, or null where the texts hold none; write(geometry);
   - fitted(geometry, size): whole pixels within the picture; element(geometry, size);
   - handles(geometry): [at, x, y] of each; pulled(geometry, at, dx, dy, size);
   - moved(geometry, dx, dy, size); grown(geometry, dx, dy);
   - between(from, to): what a pointer drew; around(middle, w, h): for who has none;
   - said(geometry): where it is, in words. */

const SVG = "http://www.w3.org/2000/svg";
const numbers = (text) => (text.trim() === "" ? NaN : Number(text));
const each = (names, read) => names.map(read);
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export function make(tag, attributes) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  return el;
}

const boxes = {
  noun: "box",
  read(text) {
    const [x, y, w, h] = each(["x", "y", "w", "h"], (name) => numbers(text(name)));
    return [x, y, w, h].every(Number.isFinite) ? { x, y, w, h } : null;
  },
  write: (box) => box,
  fitted(box, { width, height }) {
    const x = clamp(Math.round(box.x), 0, width - 1);
    const y = clamp(Math.round(box.y), 0, height - 1);
    return { x, y, w: clamp(Math.round(box.w), 1, width - x), h: clamp(Math.round(box.h), 1, height - y) };
  },
  element: ({ x, y, w, h }) => make("rect", { x, y, width: w, height: h }),
  handles: ({ x, y, w, h }) => [["nw", x, y], ["ne", x + w, y], ["sw", x, y + h], ["se", x + w, y + h]],
  pulled(box, at, dx, dy, { width, height }) {
    const left = at.endsWith("w") ? clamp(box.x + dx, 0, box.x + box.w - 1) : box.x;
    const right = at.endsWith("e") ? clamp(box.x + box.w + dx, box.x + 1, width) : box.x + box.w;
    const top = at.startsWith("n") ? clamp(box.y + dy, 0, box.y + box.h - 1) : box.y;
    const bottom = at.startsWith("s") ? clamp(box.y + box.h + dy, box.y + 1, height) : box.y + box.h;
    return { x: left, y: top, w: right - left, h: bottom - top };
  },
  moved: (box, dx, dy, { width, height }) => ({
    ...box,
    x: clamp(box.x + dx, 0, width - box.w),
    y: clamp(box.y + dy, 0, height - box.h),
  }),
  grown: (box, dx, dy) => ({ ...box, w: Math.max(1, box.w + dx), h: Math.max(1, box.h + dy) }),
  between: (from, to) => ({
    x: Math.min(from.x, to.x),
    y: Math.min(from.y, to.y),
    w: Math.abs(to.x - from.x),
    h: Math.abs(to.y - from.y),
  }),
  around: ({ x, y }, w, h) => ({ x: x - w / 2, y: y - h / 2, w, h }),
  said: ({ x, y, w, h }) => `left ${x}, top ${y}, ${w} by ${h}`,
};

const points = {
  noun: "point",
  read(text) {
    const [x, y] = each(["x", "y"], (name) => numbers(text(name)));
    return [x, y].every(Number.isFinite) ? { x, y } : null;
  },
  write: (point) => point,
  fitted: ({ x, y }, { width, height }) => ({
    x: clamp(Math.round(x), 0, width),
    y: clamp(Math.round(y), 0, height),
  }),
  element: ({ x, y }, { width, height }) => make("circle", { cx: x, cy: y, r: Math.max(width, height) / 100 }),
  handles: () => [],
  pulled: (point) => point,
  moved: ({ x, y }, dx, dy) => ({ x: x + dx, y: y + dy }),
  grown: (point) => point,
  between: (_, to) => to,
  around: (middle) => middle,
  said: ({ x, y }) => `left ${x}, top ${y}`,
};

/** Return left, top, right and bottom of corners. */
function bounds(corners) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

const polygons = {
  noun: "polygon",
  read(text) {
    const corners = text("points").trim().split(/\s+/).map((one) => one.split(",").map(numbers));
    const fits = corners.length > 2 && corners.every((one) => one.length === 2 && one.every(Number.isFinite));
    return fits ? { corners } : null;
  },
  write: ({ corners }) => ({ points: corners.map((one) => one.join(",")).join(" ") }),
  fitted: ({ corners }, { width, height }) => ({
    corners: corners.map(([x, y]) => [clamp(Math.round(x), 0, width), clamp(Math.round(y), 0, height)]),
  }),
  element: ({ corners }) => make("polygon", { points: corners.join(" ") }),
  handles: ({ corners }) => corners.map(([x, y], at) => [at, x, y]),
  pulled: ({ corners }, at, dx, dy) => ({
    corners: corners.map(([x, y], i) => (i === at ? [x + dx, y + dy] : [x, y])),
  }),
  moved({ corners }, dx, dy, { width, height }) {
    const [left, top, right, bottom] = bounds(corners);
    const [ax, ay] = [clamp(dx, -left, width - right), clamp(dy, -top, height - bottom)];
    return { corners: corners.map(([x, y]) => [x + ax, y + ay]) };
  },
  grown({ corners }, dx, dy) {
    const [left, top, right, bottom] = bounds(corners);
    const wider = Math.max(1, right - left + dx) / Math.max(1, right - left);
    const higher = Math.max(1, bottom - top + dy) / Math.max(1, bottom - top);
    return { corners: corners.map(([x, y]) => [left + (x - left) * wider, top + (y - top) * higher]) };
  },
  around: ({ x, y }, w, h) => ({
    corners: [[x - w / 2, y - h / 2], [x + w / 2, y - h / 2], [x + w / 2, y + h / 2], [x - w / 2, y + h / 2]],
  }),
  said({ corners }) {
    const [left, top, right, bottom] = bounds(corners);
    return `${corners.length} corners, left ${left}, top ${top}, ${right - left} by ${bottom - top}`;
  },
};

export const SHAPES = { boxes, polygons, points };
