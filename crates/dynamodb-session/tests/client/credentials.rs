//! Each provider of the chain against an imitation of where it gets credentials from, as a store uses it.
//!
//! Every test runs its store in a process of its own, because the chain reads the process's environment and
//! files. What signed the requests to DynamoDB tells whose credentials were used.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::{ManualClock, SessionId, SessionStore, TlsRoots};
use serde_json::Value;

use super::aws::{Answer, Aws, Received};

/// What no error may show: the imitations put it into every secret and token.
const SECRET: &str = "hunter2";

/// What a child prints when its loads succeeded.
const LOADED: &str = "loaded";

#[tokio::test]
#[ignore = "run by the tests of credentials, with an environment of theirs"]
async fn in_a_child() {
    let variable = |name: &str| std::env::var(name).ok();
    // Providers repeat what fails, for some seconds.
    let timeout = variable("CHILD_TIMEOUT_MS").map_or(30_000, |ms| ms.parse().unwrap());
    let mut builder = SessionStore::builder()
        .region("eu-west-1")
        .operation_timeout(Duration::from_millis(timeout));
    if let Some(url) = variable("CHILD_ENDPOINT") {
        builder = builder.endpoint_url(url);
    }
    if let Some(proxy) = variable("CHILD_PROXY") {
        builder = builder.proxy(proxy);
    }
    if let Some(profile) = variable("CHILD_PROFILE") {
        builder = builder.profile(profile);
    }
    if let Some(secs) = variable("CHILD_CLOCK") {
        let secs = Duration::from_secs(secs.parse().unwrap());
        builder = builder.clock(ManualClock::new(UNIX_EPOCH + secs));
    }
    if let Some(pem) = variable("CHILD_ROOTS") {
        builder = builder.tls_roots(TlsRoots::Pem(pem));
    }
    let store = builder.build().unwrap();
    let count = variable("CHILD_LOADS").map_or(1, |count| count.parse().unwrap());
    let first = outcome(&store, count).await;
    if let Some(script) = variable("CHILD_BETWEEN") {
        Command::new("sh").args(["-c", &script]).status().unwrap();
    }
    let second = outcome(&store, 1).await;
    // Who asks again is not told less.
    println!("<<{first}>>");
    if second != first {
        println!("then <<{second}>>");
    }
}

/// What so many loads at once came to: the first error, if there is one.
async fn outcome(store: &SessionStore, loads: u32) -> String {
    let loads: Vec<_> = (0..loads)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = SessionId::new(format!("s{number}")).unwrap();
                store.load::<Value>(&id).await
            })
        })
        .collect();
    let mut outcome = LOADED.to_owned();
    for load in loads {
        if let Err(error) = load.await.unwrap() {
            let shown = format!("{error} {error:?} {error:#?}");
            assert!(!shown.contains(SECRET), "{shown}");
            outcome = error.to_string();
        }
    }
    outcome
}

/// A child's environment, home directory and what it is told.
struct Child {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

impl Child {
    /// With an empty home directory and DynamoDB at `aws`.
    fn new(test: &str, aws: &Aws) -> Self {
        let name = format!("dynamodb-session-{test}-{}", std::process::id());
        let home = std::env::temp_dir().join(name);
        fs::create_dir_all(&home).unwrap();
        let child = Self {
            home,
            variables: Vec::new(),
        };
        child
            .set("PATH", std::env::var("PATH").unwrap())
            .set("AWS_EC2_METADATA_DISABLED", "true")
            .set("CHILD_ENDPOINT", aws.url())
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Hosts of AWS are reached through the imitation's proxy.
    fn through(self, aws: &Aws) -> Self {
        self.set("CHILD_PROXY", aws.url())
            .set("CHILD_ROOTS", aws.authority())
    }

    /// Writes a file below the home directory.
    fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn path(&self, path: &str) -> String {
        self.home.join(path).to_str().unwrap().to_owned()
    }

    /// What came of its loads, twice the same.
    fn run(&self) -> String {
        let [outcome] = self.outcomes().try_into().unwrap();
        outcome
    }

    fn outcomes(&self) -> Vec<String> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "client::credentials::in_a_child",
                "--ignored",
                "--nocapture",
            ])
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.variables.clone())
            .output()
            .unwrap();
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!shown.contains(SECRET), "{shown}");
        let outcomes = shown.split("<<").skip(1);
        let outcomes: Vec<_> = outcomes.filter_map(|text| text.split_once(">>")).collect();
        assert!(!outcomes.is_empty(), "{shown}");
        outcomes
            .iter()
            .map(|(text, _)| (*text).to_owned())
            .collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A directory that is left over harms nobody.
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Who signed all requests to DynamoDB; there is at least one.
#[track_caller]
fn assert_signed(aws: &Aws, key: &str) {
    let received = aws.dynamodb();
    let signers: Vec<_> = received.iter().map(Received::signer).collect();
    assert!(!signers.is_empty());
    for signer in signers {
        assert_eq!(signer, (key, token(key).as_str()));
    }
}

/// The session token that the imitations give with an access key.
fn token(key: &str) -> String {
    format!("{SECRET}-token-of-{key}")
}

/// As STS gives credentials.
fn sts(action: &str, key: &str) -> Answer {
    Answer::ok(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/web/s</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>\
         </{action}Result></{action}Response>",
        token(key)
    ))
}

fn sts_error(code: &str, message: &str) -> Answer {
    Answer::error(
        403,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

/// As containers and instances are given credentials.
fn json(key: &str) -> Answer {
    Answer::ok(format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"{SECRET}","Token":"{}","Expiration":"2100-01-01T00:00:00Z"}}"#,
        token(key)
    ))
}

fn nothing(request: &Received) -> Answer {
    panic!("nobody was to be asked: {request:?}")
}

const ROLE: &str = "arn:aws:iam::123456789012:role/web";

mod profile {
    use super::*;

    const ASSUME: &str = "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\n\
                          source_profile = base\nrole_session_name = shop\n";

    fn with_source(test: &str, aws: &Aws) -> Child {
        let keys = format!(
            "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = {SECRET}\naws_session_token = {}\n",
            token("AKIDBASE")
        );
        Child::new(test, aws)
            .file(".aws/config", ASSUME)
            .file(".aws/credentials", &keys)
            .set("AWS_PROFILE", "web")
    }

    fn assume(request: &Received) -> Answer {
        match request.line.as_str() {
            "POST /" => sts("AssumeRole", "AKIDROLE"),
            _ => Answer::ok(""),
        }
    }

    #[track_caller]
    fn assert_assumed(aws: &Aws) {
        let asked = aws.others();
        let asked: Vec<_> = asked
            .iter()
            .filter(|request| request.line == "POST /")
            .collect();
        let [request] = asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(request.signer(), ("AKIDBASE", token("AKIDBASE").as_str()));
        assert!(request.header("authorization").contains("/eu-west-1/sts/"));
        let body = request.body.replace("%3A", ":").replace("%2F", "/");
        for part in ["Action=AssumeRole&", ROLE, "RoleSessionName=shop"] {
            assert!(body.contains(part), "{body}");
        }
        assert_signed(aws, "AKIDROLE");
    }

    #[test]
    fn a_role_is_assumed_at_the_endpoint_configured_for_sts() {
        let aws = Aws::start(assume);
        let child = with_source("assume-url", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
        assert_eq!(child.run(), LOADED);
        assert_assumed(&aws);
    }

    #[test]
    fn a_role_is_assumed_at_sts_itself_through_the_proxy() {
        let aws = Aws::start(assume);
        assert_eq!(with_source("assume", &aws).through(&aws).run(), LOADED);
        assert_assumed(&aws);
        let tunnels: Vec<_> = aws
            .received()
            .into_iter()
            .filter_map(|request| request.tunnel)
            .collect();
        assert_eq!(tunnels[0], "sts.eu-west-1.amazonaws.com:443");
    }

    #[test]
    fn a_role_s_source_can_be_the_environment() {
        let aws = Aws::start(assume);
        let child = Child::new("assume-environment", &aws)
            .file(
                ".aws/config",
                "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\n\
                 credential_source = Environment\nrole_session_name = shop\n",
            )
            .set("AWS_ACCESS_KEY_ID", "AKIDBASE")
            .set("AWS_SECRET_ACCESS_KEY", SECRET)
            .set("AWS_SESSION_TOKEN", token("AKIDBASE"))
            .set("AWS_ENDPOINT_URL_STS", aws.url())
            // Named by AWS_PROFILE alone, the environment's own keys would come first.
            .set("CHILD_PROFILE", "web");
        assert_eq!(child.run(), LOADED);
        assert_assumed(&aws);
    }

    #[test]
    fn a_role_that_may_not_be_assumed_is_named() {
        let refusal =
            format!("User base is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
        let text = refusal.clone();
        let aws = Aws::start(move |_| sts_error("AccessDenied", &text));
        let child = with_source("assume-denied", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
        let outcome = child.run();
        assert!(
            outcome.contains(&refusal) && outcome.contains("AccessDenied"),
            "{outcome}"
        );
    }

    /// The text of this error is the request as it should have been signed, token included.
    #[test]
    fn a_signature_that_sts_finds_wrong_does_not_show_the_token() {
        let aws = Aws::start(|request| {
            let message = format!(
                "The request signature we calculated does not match the signature you provided. \
                 The Canonical String for this request should have been 'POST / x-amz-security-token:{}'",
                request.header("x-amz-security-token")
            );
            sts_error("SignatureDoesNotMatch", &message)
        });
        let child = with_source("assume-signature", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
        let outcome = child.run();
        assert!(outcome.contains("SignatureDoesNotMatch"), "{outcome}");
    }

    /// Both are asked again at the service's time: STS by the AWS SDK, DynamoDB by the store.
    #[test]
    fn a_role_is_assumed_by_a_host_whose_clock_is_wrong() {
        let aws = Aws::start_at("127.0.0.1:0", |request| {
            if request.line.starts_with("CONNECT") {
                return Answer::ok("");
            }
            if !request.header("x-amz-date").starts_with("20270115T0800") {
                let headers = "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nx-amzn-requestid: R\r\n";
                let Answer(status, _, body) = if request.is_for_dynamodb() {
                    Answer::error(400, r#"{"__type":"x#InvalidSignatureException"}"#)
                } else {
                    sts_error("SignatureDoesNotMatch", "Signature expired")
                };
                return Answer(status, headers.to_owned(), body);
            }
            if request.is_for_dynamodb() {
                Answer::ok("{}")
            } else {
                assume(request)
            }
        });
        // Seven hours later.
        let child = with_source("assume-clock", &aws)
            .set("CHILD_CLOCK", "1800025200")
            .set("AWS_ENDPOINT_URL_STS", aws.url());
        assert_eq!(child.run(), LOADED);
        assert_signed(&aws, "AKIDROLE");
        assert_eq!((aws.others().len(), aws.dynamodb().len()), (2, 3));
    }

    #[test]
    fn a_proxy_that_refuses_sts_is_named() {
        let aws = Aws::start(|_| Answer::error(403, ""));
        let outcome = with_source("assume-proxy", &aws).through(&aws).run();
        assert!(
            outcome.contains("the proxy refused to connect (HTTP 403) (have the proxy allow"),
            "{outcome}"
        );
    }

    #[test]
    fn a_source_that_does_not_exist_is_named() {
        let aws = Aws::start(nothing);
        let outcome = Child::new("assume-nobody", &aws)
            .file(".aws/config", ASSUME)
            .set("AWS_PROFILE", "web")
            .run();
        assert!(
            outcome.contains("no credentials found")
                && outcome.contains("profile `base` was not defined"),
            "{outcome}"
        );
    }

    #[test]
    fn a_profile_that_is_written_later_is_found_without_a_restart() {
        let aws = Aws::start(nothing);
        let keys =
            format!("[default]\naws_access_key_id = AKIDLATE\naws_secret_access_key = {SECRET}\n");
        for (test, profile) in [("late", None), ("late-named", Some("default"))] {
            let mut child = Child::new(test, &aws)
                .file("late", &keys)
                .set("CHILD_BETWEEN", "mkdir .aws && mv late .aws/credentials");
            if let Some(profile) = profile {
                child = child.set("CHILD_PROFILE", profile);
            }
            let outcomes = child.outcomes();
            assert!(outcomes[0].contains("no credentials found"), "{outcomes:?}");
            assert_eq!(outcomes[1], LOADED);
        }
    }
}

mod process {
    use super::*;

    fn child(test: &str, aws: &Aws, script: &str) -> Child {
        let child = Child::new(test, aws).file("give", script);
        let config = format!(
            "[default]\ncredential_process = sh {}\n",
            child.path("give")
        );
        child.file(".aws/config", &config)
    }

    #[test]
    fn credentials_are_what_it_prints() {
        let aws = Aws::start(nothing);
        let script = format!(
            r#"echo '{{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"{SECRET}","SessionToken":"{}","Expiration":"2100-01-01T00:00:00Z"}}'"#,
            token("AKIDPROCESS")
        );
        assert_eq!(child("process", &aws, &script).run(), LOADED);
        assert_signed(&aws, "AKIDPROCESS");
    }

    #[test]
    fn a_failure_says_what_it_said() {
        let aws = Aws::start(nothing);
        let outcome = child("process-fails", &aws, "echo 'please sign in' >&2; exit 3").run();
        assert!(
            outcome.contains("please sign in") && outcome.contains('3'),
            "{outcome}"
        );
    }

    #[test]
    fn what_is_no_credentials_is_not_quoted() {
        let aws = Aws::start(nothing);
        for (number, output) in [
            SECRET.to_owned(),
            format!(r#"{{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":{SECRET}}}"#),
            format!(r#"{{"Version":1,"SecretAccessKey":"{SECRET}"}}"#),
            format!(r#"{{"Version":2,"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}"}}"#),
            format!(
                r#"{{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}","Expiration":"soon"}}"#
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let script = format!("echo '{output}'");
            let outcome = child(&format!("process-garbage-{number}"), &aws, &script).run();
            assert!(outcome.contains("external process"), "{outcome}");
        }
        assert_eq!(aws.received().len(), 0);
    }
}

mod sso {
    use super::*;

    const SESSION: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = web\n\
                           [sso-session corp]\nsso_region = eu-central-1\n\
                           sso_start_url = https://corp.awsapps.com/start\n";
    const START_URL: &str = "[default]\nsso_region = eu-central-1\nsso_account_id = 123456789012\n\
                             sso_role_name = web\nsso_start_url = https://corp.awsapps.com/start\n";
    /// Called after the SHA-1 of the session's name, and of its start URL.
    const CACHED_SESSION: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    const CACHED_URL: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";

    fn cached(token: &str, expires: &str, more: &str) -> String {
        format!(
            r#"{{"accessToken":"{SECRET}{token}","expiresAt":"{expires}","region":"eu-central-1","startUrl":"https://corp.awsapps.com/start"{more}}}"#
        )
    }

    fn give(request: &Received) -> Answer {
        match request.line.split('?').next().unwrap() {
            "GET /federation/credentials" => Answer::ok(format!(
                r#"{{"roleCredentials":{{"accessKeyId":"AKIDSSO","secretAccessKey":"{SECRET}","sessionToken":"{}","expiration":4102444800000}}}}"#,
                token("AKIDSSO")
            )),
            "POST /token" => Answer::ok(format!(
                r#"{{"accessToken":"{SECRET}renewed","expiresIn":3600,"refreshToken":"{SECRET}next","tokenType":"Bearer"}}"#
            )),
            _ => Answer::ok(""),
        }
    }

    #[track_caller]
    fn assert_given(aws: &Aws, token: &str) {
        let others = aws.others();
        let request = others
            .iter()
            .find(|request| request.line.starts_with("GET /federation/credentials?"))
            .unwrap();
        assert!(request.line.contains("account_id=123456789012"));
        assert!(request.line.contains("role_name=web"));
        assert_eq!(
            request.header("x-amz-sso_bearer_token"),
            format!("{SECRET}{token}")
        );
        assert_signed(aws, "AKIDSSO");
    }

    #[test]
    fn a_session_s_cached_token_buys_credentials() {
        let aws = Aws::start(give);
        let child = Child::new("sso", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, &cached("1", "2100-01-01T00:00:00Z", ""))
            .through(&aws);
        assert_eq!(child.run(), LOADED);
        assert_given(&aws, "1");
        assert_eq!(
            aws.others()[1].tunnel.as_deref(),
            Some("portal.sso.eu-central-1.amazonaws.com:443")
        );
    }

    #[test]
    fn a_start_url_s_cached_token_buys_credentials_at_the_endpoint_configured() {
        let aws = Aws::start(give);
        let child = Child::new("sso-url", &aws)
            .file(".aws/config", START_URL)
            .file(CACHED_URL, &cached("2", "2100-01-01T00:00:00Z", ""))
            .set("AWS_ENDPOINT_URL_SSO", aws.url());
        assert_eq!(child.run(), LOADED);
        assert_given(&aws, "2");
    }

    #[test]
    fn a_token_that_ran_out_is_renewed() {
        let aws = Aws::start(give);
        let more = format!(
            r#","clientId":"client","clientSecret":"{SECRET}","refreshToken":"{SECRET}","registrationExpiresAt":"2100-01-01T00:00:00Z""#
        );
        let child = Child::new("sso-renewed", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, &cached("3", "2020-01-01T00:00:00Z", &more))
            .through(&aws);
        assert_eq!(child.run(), LOADED);
        assert_given(&aws, "renewed");
        let kept = fs::read_to_string(child.path(CACHED_SESSION)).unwrap();
        assert!(kept.contains("renewed"), "for the next process");
    }

    #[test]
    fn who_has_to_sign_in_is_told_so() {
        let aws = Aws::start(|_| {
            Answer::error(401, r#"{"message":"Session token not found or invalid"}"#)
        });
        let expired = Child::new("sso-expired", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, &cached("4", "2020-01-01T00:00:00Z", ""))
            .run();
        assert!(expired.contains("the SSO token has expired"), "{expired}");
        let missing = Child::new("sso-missing", &aws)
            .file(".aws/config", SESSION)
            .run();
        assert!(missing.contains("SSO token"), "{missing}");
        let refused = Child::new("sso-refused", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, &cached("5", "2100-01-01T00:00:00Z", ""))
            .set("AWS_ENDPOINT_URL_SSO", aws.url())
            .run();
        assert!(
            refused.contains("Session token not found or invalid"),
            "{refused}"
        );
        for outcome in [expired, missing, refused] {
            assert!(outcome.contains("aws sso login"), "{outcome}");
        }
    }
}

mod web_identity {
    use super::*;

    fn child(test: &str, aws: &Aws) -> Child {
        let child = Child::new(test, aws).file("token", &format!("{SECRET}.jwt"));
        let path = child.path("token");
        child
            .set("AWS_WEB_IDENTITY_TOKEN_FILE", path)
            .set("AWS_ROLE_ARN", ROLE)
            .set("AWS_ROLE_SESSION_NAME", "pod")
    }

    #[test]
    fn a_token_buys_a_role() {
        for by_url in [true, false] {
            let aws = Aws::start(|request| match request.line.as_str() {
                "POST /" => sts("AssumeRoleWithWebIdentity", "AKIDPOD"),
                _ => Answer::ok(""),
            });
            let child = child("web-identity", &aws);
            let child = if by_url {
                child.set("AWS_ENDPOINT_URL_STS", aws.url())
            } else {
                child.through(&aws)
            };
            assert_eq!(child.run(), LOADED);
            let others = aws.others();
            let request = others
                .iter()
                .find(|request| request.line == "POST /")
                .unwrap();
            for part in [
                "Action=AssumeRoleWithWebIdentity&",
                "RoleSessionName=pod",
                &format!("WebIdentityToken={SECRET}.jwt"),
            ] {
                assert!(request.body.contains(part));
            }
            assert_eq!(
                request.header("authorization"),
                "",
                "the token is all there is"
            );
            assert_signed(&aws, "AKIDPOD");
        }
    }

    #[test]
    fn a_token_that_is_refused_or_missing_is_told_so() {
        let aws = Aws::start(|_| {
            sts_error(
                "ExpiredTokenException",
                "Token expired: current date/time …",
            )
        });
        let refused = child("web-identity-refused", &aws)
            .set("AWS_ENDPOINT_URL_STS", aws.url())
            .run();
        assert!(refused.contains("Token expired"), "{refused}");
        let missing = child("web-identity-missing", &aws)
            .set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token")
            .run();
        assert!(missing.contains("No such file"), "{missing}");
    }
}

mod container {
    use super::*;

    #[test]
    fn a_thousand_loads_ask_once() {
        let aws = Aws::start(|_| json("AKIDTASK"));
        let child = Child::new("container-thousand", &aws)
            .set(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                format!("{}/creds", aws.url()),
            )
            .set("CHILD_LOADS", "1000");
        assert_eq!(child.run(), LOADED);
        assert_eq!(aws.others().len(), 1);
        assert_signed(&aws, "AKIDTASK");
    }

    /// As the EKS Pod Identity agent is asked.
    #[test]
    fn a_full_uri_is_asked_with_the_token_of_a_file_and_never_through_the_proxy() {
        let aws = Aws::start(|request| match request.line.as_str() {
            "GET /v1/credentials" => json("AKIDPOD"),
            _ => Answer::ok(""),
        });
        let child = Child::new("container-file", &aws).file("token", &format!("{SECRET}.jwt"));
        let path = child.path("token");
        let child = child
            .set(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                format!("{}/v1/credentials", aws.url()),
            )
            .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path)
            .through(&aws);
        assert_eq!(child.run(), LOADED);
        let others = aws.others();
        let request = others
            .iter()
            .find(|request| request.line == "GET /v1/credentials")
            .unwrap();
        assert_eq!(request.header("authorization"), format!("{SECRET}.jwt"));
        assert_eq!(request.tunnel, None);
        assert_signed(&aws, "AKIDPOD");
    }

    #[test]
    fn a_failure_says_why() {
        let aws = Aws::start(|request| match request.line.as_str() {
            "GET /denied" => Answer::error(403, SECRET),
            "GET /garbage" => Answer::ok(format!("{{\"SecretAccessKey\":{SECRET}")),
            "GET /half" => Answer::ok(format!(
                r#"{{"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}"}}"#
            )),
            _ => Answer::error(500, SECRET),
        });
        for (path, reason) in [
            ("denied", "403"),
            ("garbage", "invalid JSON"),
            ("half", "Token"),
            ("down", "500"),
        ] {
            let uri = format!("{}/{path}", aws.url());
            let outcome = Child::new(&format!("container-{path}"), &aws)
                .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
                .run();
            assert!(outcome.contains(reason), "{path}: {outcome}");
        }
        let elsewhere = Child::new("container-elsewhere", &aws)
            .set(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://192.0.2.1/creds",
            )
            .run();
        assert!(elsewhere.contains("allowed IP address"), "{elsewhere}");
        assert!(
            aws.received()
                .iter()
                .all(|request| !request.is_for_dynamodb())
        );
    }

    /// A relative URI is one at a fixed address, so both ends are put into a network of their own that has it.
    #[test]
    fn a_relative_uri_is_asked_at_the_address_of_ecs() {
        let script =
            "ip address add 169.254.170.2/32 dev lo && ip link set lo up && exec \"$0\" \"$@\"";
        let namespace = ["--user", "--map-root-user", "--net", "sh", "-c"];
        let mut probe = Command::new("unshare");
        if !probe
            .args(namespace)
            .args([script, "true"])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            println!(
                "skipped: a_relative_uri_is_asked_at_the_address_of_ecs (needs network namespaces)"
            );
            return;
        }
        let output = Command::new("unshare")
            .args(namespace)
            .arg(script)
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "client::credentials::container::in_a_network_with_ecs",
                "--ignored",
                "--nocapture",
            ])
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && shown.contains("1 passed"),
            "{shown}"
        );
    }

    #[test]
    #[ignore = "run by a test of credentials, in a network of its own"]
    fn in_a_network_with_ecs() {
        let aws = Aws::start_at("169.254.170.2:80", |request| match request.line.as_str() {
            "GET /v2/credentials/1" => json("AKIDTASK"),
            _ => Answer::ok("{}"),
        });
        let child = Child::new("container-relative", &aws).set(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "/v2/credentials/1",
        );
        assert_eq!(child.run(), LOADED);
        assert_signed(&aws, "AKIDTASK");
    }
}

mod instance {
    use super::*;

    const PATH: &str = "/latest/meta-data/iam/security-credentials/";

    fn give(request: &Received) -> Answer {
        let (method, path) = request.line.split_once(' ').unwrap();
        if (method, path) == ("PUT", "/latest/api/token") {
            let ttl = "x-aws-ec2-metadata-token-ttl-seconds";
            assert_eq!(request.header(ttl), "21600");
            return Answer(
                200,
                format!("{ttl}: 21600\r\n"),
                format!("{SECRET}metadata"),
            );
        }
        if request.header("x-aws-ec2-metadata-token") != format!("{SECRET}metadata") {
            return Answer::error(401, "");
        }
        match path.strip_prefix(PATH) {
            Some("") => Answer::ok("web"),
            Some("web") => json("AKIDINSTANCE"),
            _ => Answer::error(404, ""),
        }
    }

    fn child(test: &str, aws: &Aws) -> Child {
        Child::new(test, aws)
            .set("AWS_EC2_METADATA_DISABLED", "false")
            .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url())
    }

    #[test]
    fn its_metadata_service_is_asked_with_a_token_and_never_through_the_proxy() {
        let aws = Aws::start(|request| {
            if request.line.starts_with("CONNECT") {
                Answer::ok("")
            } else {
                give(request)
            }
        });
        let child = child("instance", &aws).through(&aws);
        assert_eq!(child.run(), LOADED);
        let others = aws.others();
        let metadata: Vec<_> = others
            .iter()
            .filter(|request| !request.line.starts_with("CONNECT"))
            .collect();
        assert_eq!(metadata.len(), 3);
        assert!(metadata.iter().all(|request| request.tunnel.is_none()));
        assert_signed(&aws, "AKIDINSTANCE");
    }

    /// As the AWS SDKs do, credentials that the service still gives after their end are used for some minutes
    /// more. When their end is, is told by the store's clock.
    #[test]
    fn credentials_that_ran_out_are_used_on_by_the_injected_clock() {
        let aws = Aws::start(give);
        let child = child("instance-extended", &aws).set("CHILD_CLOCK", "4102448400");
        assert_eq!(child.run(), LOADED);
        assert_eq!(aws.others().len(), 3, "for two loads");
        assert!(
            aws.dynamodb()[0]
                .header("x-amz-date")
                .starts_with("21000101T01"),
        );
    }

    #[test]
    fn a_service_that_never_answers_is_told_how_to_turn_off() {
        let aws = Aws::start(|_| Answer::silence());
        let outcome = child("instance-silent", &aws)
            .set("CHILD_TIMEOUT_MS", "300")
            .run();
        assert!(
            outcome.contains("AWS_EC2_METADATA_DISABLED=true"),
            "{outcome}"
        );
    }

    #[test]
    fn an_instance_without_a_role_is_told_what_there_could_be() {
        let aws = Aws::start(|request| {
            if request.line.starts_with("PUT") {
                give(request)
            } else {
                Answer::error(404, "")
            }
        });
        let outcome = child("instance-no-role", &aws).run();
        assert!(outcome.contains("no credentials found"), "{outcome}");
    }

    #[test]
    fn a_failure_says_why() {
        let aws = Aws::start(|request| match request.line.as_str() {
            "GET /latest/meta-data/iam/security-credentials/web" => Answer::ok(
                r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role web."}"#,
            ),
            _ => give(request),
        });
        let outcome = child("instance-untrusted", &aws).run();
        assert!(
            outcome.contains("EC2 cannot assume the role web"),
            "{outcome}"
        );
        let aws = Aws::start(|_| Answer::error(403, ""));
        let outcome = child("instance-forbidden", &aws).run();
        assert!(outcome.contains("token"), "{outcome}");
        let aws = Aws::start(|request| {
            if request.line.starts_with("PUT") {
                give(request)
            } else {
                Answer::error(500, SECRET)
            }
        });
        let outcome = child("instance-down", &aws).run();
        assert!(outcome.contains("500"), "{outcome}");
    }
}
