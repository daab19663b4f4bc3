//! Makes development certificates for a local HTTPS front: `certs FOLDER`.
//!
//! Writes `ca.pem`, an authority for this machine's names alone, and `localhost.pem` with its key.
//! The authority's own key is never written: whoever trusts it trusts this one certificate.

use std::{
    env,
    error::Error,
    fs::{self, OpenOptions},
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).ok_or("usage: certs FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let authority = authority()?;
    let key = KeyPair::generate()?;
    let leaf = leaf()?.signed_by(&key, &authority)?;

    write(folder, "ca.pem", &authority.pem(), READABLE)?;
    write(folder, "localhost.pem", &leaf.pem(), READABLE)?;
    write(folder, "localhost.key", &key.serialize_pem(), PRIVATE)?;
    Ok(writeln!(io::stdout(), "{}", explanation(folder))?)
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = valid_from_now(CertificateParams::default());
    params
        .distinguished_name
        .push(DnType::CommonName, "render-tunnel development");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".into()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                Ipv6Addr::LOCALHOST.octets(),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn leaf() -> Result<CertificateParams> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = valid_from_now(CertificateParams::new(names)?);
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn valid_from_now(mut params: CertificateParams) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SLACK).into();
    params.not_after = (now + VALID_FOR).into();
    params
}

/// Puts a whole file in place of what was there, with its permissions from the first byte on.
fn write(folder: &Path, name: &str, content: &str, mode: u32) -> io::Result<()> {
    let aside = folder.join(format!(".{name}.new"));
    // What an interrupted run left keeps its old permissions when it is opened again.
    if let Err(error) = fs::remove_file(&aside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&aside)?;
    file.write_all(content.as_bytes())?;
    fs::rename(&aside, folder.join(name))
}

fn explanation(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Made for localhost, 127.0.0.1 and ::1, valid for {days} days:
  {folder}/localhost.pem  the front's certificate
  {folder}/localhost.key  its key
  {folder}/ca.pem         what clients trust instead of the system's roots

Try them:
  openssl s_server -accept 8443 -www -cert {folder}/localhost.pem -key {folder}/localhost.key
  curl --cacert {folder}/ca.pem https://localhost:8443/",
        days = VALID_FOR.as_secs() / (24 * 60 * 60),
    )
}

/// Long enough for a piece of work, and short enough that a forgotten key is soon worth nothing.
const VALID_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A container's or virtual machine's clock may be behind the one that made the certificate.
const CLOCK_SLACK: Duration = Duration::from_secs(60 * 60);

const READABLE: u32 = 0o644;
const PRIVATE: u32 = 0o600;
