// A caller no line of which is ours: Pion as ICE-lite offerer with Opus 111 and telephone-event 126, behind the
// stand-in's signalling. Plays one Ogg Opus file over and over, writes the packets it hears to another file.
//
// Commands on standard input: `digits 12#`, `quit`. Happenings on standard output, one JSON object a line.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

const opusFmtp = "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1"

func tell(what string, more map[string]any) {
	if more == nil {
		more = map[string]any{}
	}
	more["what"] = what
	line, _ := json.Marshal(more)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		tell("failed", map[string]any{"why": err.Error()})
		os.Exit(1)
	}
}

// voice is a track that writes raw RTP: audio and key presses share SSRC, sequence numbers and timestamps, as on WhatsApp.
type voice struct {
	mu    sync.Mutex
	out   webrtc.TrackLocalWriter
	ssrc  uint32
	seq   uint16
	ts    uint32
	event []byte // the key being pressed, nil while talking
}

func (v *voice) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out, v.ssrc = ctx.WriteStream(), uint32(ctx.SSRC())
	for _, codec := range ctx.CodecParameters() {
		if codec.PayloadType == 111 {
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}
func (v *voice) Unbind(webrtc.TrackLocalContext) error {
	v.mu.Lock()
	v.out = nil
	v.mu.Unlock()
	return nil
}
func (v *voice) ID() string                { return "WhatsAppTrack1" }
func (v *voice) RID() string               { return "" }
func (v *voice) StreamID() string          { return "caller" }
func (v *voice) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

// write sends one packet. The caller of it holds mu.
func (v *voice) write(pt uint8, marker bool, ts uint32, payload []byte) {
	if v.out == nil {
		return
	}
	header := rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: v.seq, Timestamp: ts, SSRC: v.ssrc}
	v.seq++
	_, _ = v.out.WriteRTP(&header, payload)
}

// talk plays the packets for ever, one each 20 ms, except while a key is pressed.
func (v *voice) talk(packets [][]byte) {
	ticker := time.NewTicker(20 * time.Millisecond)
	for i := 0; ; i++ {
		<-ticker.C
		v.mu.Lock()
		v.ts += 960
		if v.event == nil {
			v.write(111, i == 0, v.ts, packets[i%len(packets)])
		}
		v.mu.Unlock()
	}
}

// press sends one key, 160 ms long, RFC 4733: a start, growing durations, three ends with one timestamp.
func (v *voice) press(key rune) {
	code := strings.IndexRune("0123456789*#", key)
	if code < 0 {
		return
	}
	v.mu.Lock()
	began := v.ts
	v.event = []byte{byte(code)}
	v.mu.Unlock()
	for step := 1; step <= 8; step++ {
		time.Sleep(20 * time.Millisecond)
		v.mu.Lock()
		duration := uint16(step * 160)
		v.write(126, step == 1, began, []byte{byte(code), 10, byte(duration >> 8), byte(duration)})
		v.mu.Unlock()
	}
	v.mu.Lock()
	for i := 0; i < 3; i++ {
		v.write(126, false, began, []byte{byte(code), 0x80 | 10, 1280 >> 8, 1280 & 0xff})
	}
	v.event = nil
	v.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
}

func packetsOf(path string) [][]byte {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	ogg, _, err := oggreader.NewWith(file)
	must(err)
	var packets [][]byte
	for {
		page, _, err := ogg.ParseNextPage()
		if err == io.EOF {
			break
		}
		must(err)
		if bytes.HasPrefix(page, []byte("OpusTags")) || bytes.HasPrefix(page, []byte("OpusHead")) {
			continue
		}
		// The file was written with one packet a page.
		packets = append(packets, append([]byte(nil), page...))
	}
	return packets
}

func post(url string, body any) map[string]any {
	text, _ := json.Marshal(body)
	answer, err := http.Post(url, "application/json", bytes.NewReader(text))
	must(err)
	return read(answer)
}

func read(answer *http.Response) map[string]any {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(err)
	out := map[string]any{}
	if answer.StatusCode != 200 {
		must(fmt.Errorf("%s: %s", answer.Status, text))
	}
	must(json.Unmarshal(text, &out))
	return out
}

func peer() *webrtc.PeerConnection {
	engine := &webrtc.MediaEngine{}
	must(engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: opusFmtp},
		PayloadType:        111}, webrtc.RTPCodecTypeAudio))
	must(engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000},
		PayloadType:        126}, webrtc.RTPCodecTypeAudio))
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(net.IP.IsLoopback)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	must(settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer))
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(err)
	return pc
}

// hear writes the incoming Opus packets to a file, each behind its RTP timestamp (4 bytes) and its length (2 bytes),
// big-endian, and counts them.
// Pion's own Ogg writer has one lacing byte a page: packets over 254 bytes, as a generous encoder makes them, break it.
func hear(track *webrtc.TrackRemote, path string) {
	file, err := os.Create(path)
	must(err)
	out := bufio.NewWriter(file)
	count := 0
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			must(out.Flush())
			must(file.Close())
			tell("silent", map[string]any{"packets": count})
			return
		}
		if count == 0 {
			tell("heard", map[string]any{"pt": packet.PayloadType, "ssrc": packet.SSRC})
		}
		count++
		if packet.PayloadType == 111 {
			_ = binary.Write(out, binary.BigEndian, packet.Timestamp)
			_ = binary.Write(out, binary.BigEndian, uint16(len(packet.Payload)))
			_, _ = out.Write(packet.Payload)
		}
	}
}

func main() {
	control := flag.String("control", "", "address of the stand-in")
	from := flag.String("from", "15550001111", "the caller's number")
	play := flag.String("play", "", "Ogg Opus to send, one packet a page")
	record := flag.String("record", "", "packets to write")
	flag.Parse()

	pc := peer()
	v := &voice{seq: 1000, ts: 5000}
	_, err := pc.AddTrack(v)
	must(err)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { go hear(track, *record) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { tell("state", map[string]any{"state": s.String()}) })

	offer, err := pc.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	must(pc.SetLocalDescription(offer))
	<-gathered
	call := post(*control+"/control/calls", map[string]any{"from": *from, "name": "Pia Onderzoek", "external_offer": pc.LocalDescription().SDP})["call"].(string)
	tell("offered", map[string]any{"call": call})

	for {
		answer, err := http.Get(*control + "/control/calls/" + call)
		must(err)
		if sdp, ok := read(answer)["business_answer"].(string); ok && sdp != "" {
			must(pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}))
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	tell("answered", nil)
	go v.talk(packetsOf(*play))

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "digits":
			for _, key := range rest {
				v.press(key)
			}
			tell("pressed", map[string]any{"digits": rest})
		case "quit":
			_ = pc.Close()
			time.Sleep(100 * time.Millisecond)
			return
		}
	}
}
