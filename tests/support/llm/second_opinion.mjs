// Google's official client against the same provider: second_opinion.mjs FOLDER ADDRESS TEXT…
// Prints a JSON line for each text: what a whole answer and a stream gave.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const [folder, baseUrl, ...texts] = process.argv.slice(2);
const {resolve} = createRequire(folder + '/');
const {GoogleGenAI} = await import(pathToFileURL(resolve('@google/genai')));
const client = new GoogleGenAI({apiKey: 'test-key', httpOptions: {baseUrl, apiVersion: 'v1beta'}});
const model = 'gemini-3.8-flash';
const config = {responseMimeType: 'application/json',
                responseJsonSchema: {type: 'object', properties: {text: {type: 'string'}}}};

for (const contents of texts) {
    const line = {asked: contents};
    try {
        const whole = await client.models.generateContent({model, contents, config});
        line.whole = whole.text;
        line.finish = whole.candidates?.[0]?.finishReason;
        line.usage = whole.usageMetadata;
        line.streamed = '';
        line.pieces = 0;
        for await (const piece of await client.models.generateContentStream({model, contents, config})) {
            line.streamed += piece.text ?? '';
            line.pieces++;
        }
    } catch (e) {
        line.error = `${e.constructor.name} ${e.status ?? ''}: ${String(e.message).slice(0, 200)}`;
    }
    console.log(JSON.stringify(line));
}
