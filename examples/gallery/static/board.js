// The board: sends the strokes of this visitor, and draws those of all.
'use strict';

const board = document.getElementById('board');
const strokes = document.getElementById('strokes');
const cursor = document.getElementById('cursor');
const line = document.getElementById('line');
const pens = [...document.querySelectorAll('[name=pen]')];
const pen = () => pens.findIndex(pen => pen.checked);
let socket;

function connect() {
    socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/[?#].*/, ''));
    // The server sends the whole board first.
    socket.onopen = () => { strokes.replaceChildren(); line.textContent = 'Connected.'; };
    socket.onmessage = event => add(JSON.parse(event.data));
    socket.onclose = () => { line.textContent = 'Not connected.'; setTimeout(connect, 1000); };
}

function add(stroke) {
    const element = document.createElementNS(board.namespaceURI, 'polyline');
    const points = stroke.points.length === 1 ? [stroke.points[0], stroke.points[0]] : stroke.points;
    element.setAttribute('points', points.map(point => point.join()).join(' '));
    element.setAttribute('stroke', pens[stroke.pen].dataset.colour);
    strokes.append(element);
    return element;
}

// The stroke in progress, and its element.
let stroke, shown;

function start(point) {
    stroke = { pen: pen(), points: [point] };
    shown = add(stroke);
}

function extend(point) {
    if (!stroke || stroke.points.length >= 600) return;
    stroke.points.push(point);
    shown.setAttribute('points', stroke.points.map(point => point.join()).join(' '));
}

// The element goes: the server sends the stroke to all, to this page too.
function end() {
    if (!stroke) return;
    shown.remove();
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(stroke));
    stroke = undefined;
}

const within = (value, limit) => Math.min(limit, Math.max(0, Math.round(value * 10) / 10));

function place(event) {
    const box = board.getBoundingClientRect();
    return [
        within((event.clientX - box.left) / box.width * 320, 320),
        within((event.clientY - box.top) / box.height * 240, 240),
    ];
}

board.addEventListener('pointerdown', event => {
    board.setPointerCapture(event.pointerId);
    start(place(event));
});
board.addEventListener('pointermove', event => extend(place(event)));
for (const name of ['pointerup', 'pointercancel']) board.addEventListener(name, end);

const steps = { ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, -6], ArrowDown: [0, 6] };
let at = [160, 120];

function show() {
    cursor.setAttribute('cx', at[0]);
    cursor.setAttribute('cy', at[1]);
    cursor.setAttribute('fill', stroke ? pens[stroke.pen].dataset.colour : 'none');
}

board.addEventListener('focus', () => { if (board.matches(':focus-visible')) cursor.setAttribute('visibility', 'visible'); });
board.addEventListener('blur', () => { end(); cursor.setAttribute('visibility', 'hidden'); });
board.addEventListener('keydown', event => {
    const step = steps[event.key];
    if (step) {
        at = [within(at[0] + step[0], 320), within(at[1] + step[1], 240)];
        extend(at);
    } else if (event.key === ' ') {
        if (stroke) end();
        else start(at);
    } else return;
    event.preventDefault();
    cursor.setAttribute('visibility', 'visible');
    show();
});

connect();
