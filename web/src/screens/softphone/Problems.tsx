/** What keeps calls from ringing or sounding: a sentence each, with the button that helps. */
import { type Deed, problems } from "../../core/phone-words";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { Timer } from "../../ui/Timer";
import type { Phone } from "./Phone";
import { usePhone } from "./PhoneContext";

export function Problems() {
  const [view, phone] = usePhone();
  const list = problems(view, Date.now());
  return (
    <div className="flex flex-col gap-2 empty:hidden" aria-live="polite">
      {list.map((problem) => (
        <Notice
          key={problem.id}
          tone={problem.tone}
          action={
            problem.deed ? (
              <Button size="sm" onClick={() => help(phone, problem.deed)}>
                {problem.label}
              </Button>
            ) : null
          }
        >
          {problem.id === "link" ? (
            <Timer read={() => problems(view, Date.now()).find((p) => p.id === "link")?.text ?? ""} />
          ) : (
            problem.text
          )}
        </Notice>
      ))}
      {view.notices.map((notice) => (
        <Notice
          key={`notice-${notice.id}`}
          tone="hold"
          icon="info"
          onClose={() => phone.noticeRead(notice.id)}
        >
          {notice.text}
        </Notice>
      ))}
    </div>
  );
}

function help(phone: Phone, deed: Deed | null) {
  switch (deed) {
    case "use_this_tab":
      return phone.takeOver();
    case "try_microphone":
      return void phone.tryMicrophone();
    case "turn_sound_on":
      return phone.turnSoundOn();
    case "reconnect_now":
      return phone.reconnectNow();
  }
}
