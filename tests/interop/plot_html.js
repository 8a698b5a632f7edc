// plot_html.js - runs the script of an interactive page without a browser, and plays its user.
//
//	node plot_html.js PAGE.html POINT [COLUMN [TEXT [ENTRY [PIXELS]]]]
//
// The page is laid out 800 x 600. Chooses the column (its name; '' leaves it), looks for the text, clicks the entry of
// the legend, then moves the mouse to where point number POINT lies. Prints the legend and what the pointer shows, a
// line each; with PIXELS it writes the picture to that file as 800 x 600 RGBA.

'use strict';
const fs = require('fs');
const vm = require('vm');

const [file, point, column, text, entry, pixels] = process.argv.slice(2);
const html = fs.readFileSync(file, 'utf8');
const width = 800, height = 600;
const elements = {};
const frames = [];
let picture = null;

class Element {
	constructor(tag) {
		this.tag = tag;
		this.children = [];
		this.own = '';
		this.style = {};
		this.listeners = {};
		this.className = '';
		this.hidden = false;
		this.clientWidth = width;
		this.clientHeight = height;
	}
	get textContent() {
		return this.own + this.children.map(child => child.textContent).join('');
	}
	set textContent(value) {
		this.children = [];
		this.own = String(value);
	}
	appendChild(child) {
		this.children.push(child);
	}
	addEventListener(type, listener) {
		this.listeners[type] = listener;
	}
	fire(type, event) {
		this.listeners[type](Object.assign({ type: type, target: this, preventDefault() {} }, event));
		while (frames.length)
			frames.shift()();
	}
	setPointerCapture() {}
	getBoundingClientRect() {
		return { left: 0, top: 0 };
	}
	getContext() {
		return {
			createImageData: (w, h) => ({ data: new Uint8ClampedArray(4 * w * h) }),
			putImageData: image => { picture = image.data; },
		};
	}
}

function at(id) {
	return elements[id] || (elements[id] = new Element(id));
}

// As a browser does: a script ends at the next end tag, whatever it holds.
function scripts() {
	const found = [];
	for (let from = 0; ;) {
		const start = html.indexOf('<script', from);
		if (start < 0)
			return found;
		const body = html.indexOf('>', start) + 1;
		from = html.toLowerCase().indexOf('</script', body);
		found.push(html.slice(body, from));
	}
}

const [data, code, ...others] = scripts();
if (others.length)
	throw new Error('more than two scripts');
at('data').textContent = data;
const window = new Element('window');
window.requestAnimationFrame = draw => frames.push(draw);
const document = { getElementById: at, createElement: tag => new Element(tag) };
vm.runInNewContext(code, { window: window, document: document, atob: atob }, { filename: 'script' });
while (frames.length)
	frames.shift()();

if (column)
	at('column').fire('change', { target: { value: at('column').children.findIndex(o => o.textContent === column) } });
if (text)
	at('find').fire('input', { target: { value: text } });
if (entry)
	at('legend').children.find(e => e.children[1].textContent === entry).fire('click', { shiftKey: false });
const side = 0.94 * Math.min(width, height);
const places = ['x', 'y'].map(axis => Buffer.from(JSON.parse(data)[axis], 'base64').readUInt16LE(2 * point) / 65535);
at('canvas').fire('pointermove', {
	clientX: (width - side) / 2 + side * places[0],
	clientY: (height - side) / 2 + side * (1 - places[1]),
});

console.log('title: ' + at('title').textContent + ' | ' + document.title);
console.log('axes: ' + at('x').textContent + ', ' + at('y').textContent);
console.log('columns: ' + at('column').children.map(option => option.textContent).join(', '));
console.log('legend: ' + at('name').textContent);
for (const line of at('legend').children)
	console.log('  ' + line.children.map(part => part.style.background || part.textContent).join(' '));
console.log('note: ' + at('note').textContent);
if (!at('tip').hidden)
	for (const line of at('tip').children)
		console.log('tip: ' + line.textContent);
if (pixels)
	fs.writeFileSync(pixels, picture);
