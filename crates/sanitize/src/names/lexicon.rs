//! The words that names are made of, and what each says about the values under it.
//!
//! Phrases are written without separators, accents or capitals, in the singular: `firstname` is
//! found in `first_name`, `FirstName` and `firstnames`. English comes first in each list, then
//! German, French, Spanish, Portuguese and Italian.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use self::Concept::{
    About, Companion, Harmless, Is, Name, Person, Picture, Role, Secret, Sensitive, Version,
};
use self::Reach::{Anywhere, End, Whole};
use crate::Persona;

/// What a phrase in a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concept {
    /// The values are of this kind of personal data.
    Is(Persona),
    /// The values are names, of people if what stands around says people.
    Name,
    /// The values let somebody in.
    Secret,
    /// The values are nobody's business: health, belief, pay.
    Sensitive,
    /// A picture, of a person if what stands around says people.
    Picture,
    /// A person in a part: a table of these is about people, `X_name` is a person's name.
    Person,
    /// As [`Concept::Person`]; and a text column of just this name holds a person's name.
    Role,
    /// After a person's word it says more about the person: `user_profile`.
    Companion,
    /// As the last word it says that the name speaks about a value, which is elsewhere.
    About,
    /// Looks like one of the above, and is not.
    Harmless,
    /// The values are versions, which look like addresses.
    Version,
}

/// Where in a name a phrase counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Wherever it stands.
    Anywhere,
    /// Only as the end of the name: `user_pin`, but not `pin_map`.
    End,
    /// Only as the whole name: `cap`, but not `market_cap`.
    Whole,
}

/// Returns what a phrase says, if it is known.
pub(super) fn look_up(phrase: &str) -> Option<(Concept, Reach)> {
    INDEX.get(phrase)
}

/// The lists by phrase, with a test in front that turns most unknown words away unhashed.
struct Index {
    /// For each first letter, the set of lengths that occur.
    lengths: [u32; 26],
    phrases: HashMap<&'static str, (Concept, Reach), BuildHasherDefault<Fnv>>,
}

impl Index {
    fn build() -> Self {
        let mut index = Self {
            lengths: [0; 26],
            phrases: HashMap::default(),
        };
        for &(concept, reach, list) in LISTS {
            for phrase in list.split_ascii_whitespace() {
                index.lengths[usize::from(phrase.as_bytes()[0] - b'a')] |= 1 << phrase.len();
                index.phrases.insert(phrase, (concept, reach));
            }
        }
        index
    }

    fn get(&self, phrase: &str) -> Option<(Concept, Reach)> {
        let first = phrase.bytes().next()?.wrapping_sub(b'a');
        let lengths = *self.lengths.get(usize::from(first))?;
        // A phrase is at most 31 bytes long: a test holds the lists to it.
        if phrase.len() > 31 || lengths & (1 << phrase.len()) == 0 {
            return None;
        }
        self.phrases.get(phrase).copied()
    }
}

/// Hashes a short word in less time than the default takes to begin. The table holds our own words
/// only, so nobody can make them collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::build);

const LISTS: &[(Concept, Reach, &str)] = &[
    (
        Is(Persona::Email),
        Anywhere,
        "email mail emailaddress mailaddress emailid \
         mailadresse emailadresse courriel adressemail adresseemail correo correoelectronico \
         correioeletronico correio indirizzoemail",
    ),
    (
        Is(Persona::FirstName),
        Anywhere,
        "firstname givenname forename middlename fname secondname christianname \
         vorname rufname prenom primernombre segundonombre primeironome",
    ),
    (
        Is(Persona::LastName),
        Anywhere,
        "lastname surname familyname maidenname lname \
         nachname familienname zuname geburtsname nomdefamille nomfamille \
         apellido sobrenome ultimonome cognome",
    ),
    (
        Is(Persona::FullName),
        Anywhere,
        "fullname realname legalname personname cardholder cardholdername accountholder \
         accountholdername nameoncard holdername contactname shipname shiptoname billtoname \
         billingname shippingname recipientname attentionto nextofkin emergencycontact \
         attn addressee kontoinhaber ansprechpartner nomcomplet nomprenom nombrecompleto \
         nomecompleto titularcuenta intestatario",
    ),
    (
        Is(Persona::Username),
        Anywhere,
        "username userlogin loginname nickname screenname userhandle twitterhandle \
         instagramhandle githubusername githublogin skype skypeid telegramid discordid \
         createdby updatedby modifiedby deletedby changedby enteredby approvedby \
         benutzername benutzerkennung nutzername pseudonyme identifiant nomutilisateur \
         nomdutilisateur nombreusuario nombredeusuario nomeusuario nomedeusuario nomeutente",
    ),
    (
        Is(Persona::Phone),
        Anywhere,
        "phone telephone cellphone phonenumber telephonenumber mobilenumber msisdn \
         fax faxnumber landline homephone workphone mobilephone phoneno telno mobileno tel \
         contactnumber whatsapp whatsappnumber pager \
         telefon telefonnummer telefonnr handynummer mobilnummer mobiltelefon rufnummer \
         festnetz telephoneportable numerotelephone numerodetelephone \
         telefono movil celular numerotelefono numerodetelefono telefonomovil \
         telefone telemovel cellulare numeroditelefono",
    ),
    (Is(Persona::Username), End, "login"),
    (Is(Persona::Username), Whole, "pseudo"),
    (Is(Persona::Phone), End, "mobile cell handy portable"),
    (
        Is(Persona::Street),
        Anywhere,
        "address street streetaddress streetname addressline addrline line1 line2 line3 addr \
         postaladdress mailingaddress homeaddress billingaddress shippingaddress shipaddress \
         deliveryaddress residence housenumber apartment aptnumber \
         strasse hausnummer anschrift adresse adressline postanschrift wohnadresse rue \
         direccion calle domicilio endereco rua logradouro morada indirizzo numerocivico",
    ),
    (Is(Persona::Street), Whole, "domicile via"),
    (
        Is(Persona::City),
        Anywhere,
        "city town cityname hometown birthplace placeofbirth \
         stadt wohnort ortschaft geburtsort ville lieudenaissance ciudad lugarnacimiento \
         lugardenacimiento cidade citta luogonascita luogodinascita",
    ),
    (Is(Persona::City), Whole, "ort commune"),
    (
        Is(Persona::PostalCode),
        Anywhere,
        "zip zipcode postalcode postcode postleitzahl plz codepostal codigopostal cep \
         codicepostale",
    ),
    (Is(Persona::PostalCode), Whole, "cap"),
    (
        Is(Persona::Company),
        Anywhere,
        "companyname businessname organisationname organizationname employername firma \
         firmenname raisonsociale nomentreprise razonsocial nombreempresa razaosocial nomeempresa \
         ragionesociale",
    ),
    (
        Is(Persona::Company),
        End,
        "company employer arbeitgeber societe entreprise empresa azienda",
    ),
    (
        Is(Persona::Ip),
        Anywhere,
        "ip ipaddress ipaddr ipv4 ipv6 remoteaddr remoteaddress remoteip clientip loginip \
         lastloginip macaddress macaddr hardwareaddress hwaddr ipadresse adresseip direccionip \
         enderecoip indirizzoip",
    ),
    (
        Is(Persona::Card),
        Anywhere,
        "cardnumber cardno ccnumber creditcard creditcardnumber debitcard debitcardnumber ccnum \
         paymentcard kreditkarte kreditkartennummer numerocarte cartebancaire numerotarjeta \
         tarjetacredito numerocartao cartaocredito numerocarta cartadicredito",
    ),
    (Is(Persona::Iban), Anywhere, "iban ibannumber"),
    (
        Is(Persona::NationalId),
        Anywhere,
        "ssn socialsecurity socialsecuritynumber socialsecurityno socialinsurancenumber nin nino \
         nationalid nationalinsurance nationalinsurancenumber nationalidnumber nationalidentity \
         passport passportnumber passportno driverlicense driverslicense driverlicence \
         drivinglicense drivinglicence driverslicensenumber driverlicensenumber licensenumber \
         licencenumber licenseplate numberplate plateno taxid taxnumber taxpayerid itin \
         vatid vatnumber personalid personalnumber identitynumber identitycard idcard idnumber \
         idcardnumber governmentid medicare medicareid nhsnumber insurancenumber insuranceid \
         medicalrecordnumber mrn bankaccount accountnumber bankaccountnumber accountno \
         routingnumber sortcode badgenumber last4 cardlast4 lastfour ssnlast4 \
         imei imsi iccid idfa gaid advertisingid \
         steuernummer steuerid steueridnr ausweisnummer personalausweis reisepass passnummer \
         sozialversicherungsnummer svnr rentenversicherungsnummer krankenversicherungsnummer \
         kontonummer fuehrerschein fuehrerscheinnummer kennzeichen nir \
         numerosecuritesociale numerodesecuritesociale numerosecu carteidentite numerofiscal \
         passeport permisconduire plaqueimmatriculation dni nif nie nss curp rfc pasaporte \
         numeroseguridadsocial seguridadsocial cuentabancaria numerocuenta matricula cpf cnpj \
         rg passaporte contabancaria codicefiscale partitaiva cartaidentita \
         contocorrente bsn pesel aadhaar aadhar personnummer",
    ),
    (
        Is(Persona::BirthDate),
        Anywhere,
        "birthdate birthday dateofbirth dob birthdt bornon bornat birthdateandtime \
         geburtsdatum geburtstag gebdatum datenaissance datedenaissance ddn fechanacimiento \
         fechadenacimiento datanascimento datadenascimento nascimento datanascita \
         datadinascita",
    ),
    (
        Is(Persona::BirthDate),
        Whole,
        "born birth naissance nacimiento nascita",
    ),
    (
        Is(Persona::Coordinate),
        Anywhere,
        "latitude longitude latlng latlong latlon geolocation gpslocation gpscoordinate \
         geocoordinate breitengrad laengengrad latitud longitud latitudine longitudine",
    ),
    (
        Is(Persona::Coordinate),
        End,
        "lat lng lon coordinate geopoint gps geo homelocation",
    ),
    (
        Is(Persona::Url),
        Anywhere,
        "avatar avatarurl avatarpath profilepicture profilepic profileimage profilephoto \
         profileurl userpic gravatar linkedin linkedinurl facebook facebookurl twitterurl \
         instagram githuburl personalwebsite personalurl homepage homepageurl",
    ),
    (
        Picture,
        Anywhere,
        "photo picture portrait headshot photopath photourl pictureurl website foto",
    ),
    (Name, Anywhere, "name nom nombre nome displayname"),
    (
        Secret,
        Anywhere,
        "password passwd passwort kennwort passphrase passcode pwd passwordhash hashedpassword \
         encryptedpassword passworddigest token accesstoken refreshtoken apikey apitoken \
         apisecret secret secretkey privatekey accesskey accesskeyid encryptionkey signingkey \
         masterkey sshkey authkey authcode authtoken oauthtoken bearertoken clientsecret \
         credential authorization cookie jwt otp totp otpsecret mfasecret mfacode twofactorsecret \
         backupcode recoverycode verificationcode confirmationcode activationcode resetcode \
         invitecode accesscode doorcode securitycode securityanswer securityquestion pincode \
         resettoken passwordreset resetpassword sessiontoken sessionkey sessionid sessiondata \
         sessioncookie csrf cvv cvc cvv2 webhooksecret mnemonic seedphrase recoveryphrase \
         motdepasse mdp contrasena clavesecreta senha parolachiave connectionstring \
         databaseurl dsn",
    ),
    (Secret, End, "hash salt session pin signature fingerprint"),
    (Secret, Whole, "reset pass sid auth clave digest sig"),
    (
        Sensitive,
        Anywhere,
        "salary wage income annualincome yearlyincome netincome payrate hourlyrate compensation \
         religion ethnicity ethnicgroup nationality sexualorientation politicalview \
         politicalopinion politicalparty tradeunion diagnosis medicalhistory medicalcondition \
         medication bloodtype bloodgroup allergy disability biometric criminalrecord hiv \
         hivstatus pregnant creditscore \
         gehalt lohn einkommen konfession salaire revenu religione \
         salario sueldo ingreso religiao stipendio diagnose diagnostico",
    ),
    (
        Person,
        Anywhere,
        "user customer client employee staff contact people person member patient student \
         teacher instructor subscriber lead profile guest attendee owner recipient participant \
         candidate applicant beneficiary passenger resident citizen voter volunteer donor \
         colleague friend sender worker personnel account buyer seller shopper visitor \
         registrant learner trainer coach tutor doctor nurse physician \
         benutzer nutzer kunde kunden mitarbeiter personal personen angestellter angestellte \
         mitglied mitglieder patienten schueler studenten lehrer teilnehmer kontakt kontakte \
         utilisateur personne employe salarie adherent eleve etudiant enseignant abonne \
         usuario persona cliente empleado contacto alumno estudiante profesor paciente socio \
         miembro pessoa funcionario contato aluno professor membro utente persone dipendente \
         contatto studente studenti insegnante paziente clienti utenti dipendenti contatti \
         parent guardian child spouse manager supervisor agent",
    ),
    (
        Role,
        Anywhere,
        "customer employee patient student teacher instructor lecturer tutor trainer author \
         recipient assignee reporter attendee passenger beneficiary payee payer supervisor \
         spouse guardian contact contactperson accountmanager salesperson salesrep \
         dozent autor auteur docente instrutor destinataire destinatario",
    ),
    (
        Companion,
        Anywhere,
        "detail info information data record list directory master base table",
    ),
    (
        About,
        Anywhere,
        "id count total type kind status at on date time verified confirmed sent enabled \
         disabled template subject format length provider domain brand limit expire \
         expires expiry expiration ttl usage price cost rate strength score policy category \
         code country region state language locale flag active valid validated optin optout \
         consent preference setting frequency interval index idx size weight rank level \
         ordinal position sequence source reason method mode schema algorithm algo \
         attempt delay bounced delivered opened clicked required label",
    ),
    (
        Harmless,
        Anywhere,
        "contenthash filehash commithash githash treehash blockhash txhash transactionhash \
         imagehash chunkhash rowhash checksum mailserver mailtemplate emailtemplate \
         emailcampaign mailcampaign mobileapp mobileos cellline cellcount hashtag \
         addressbookentry publickey codesignature",
    ),
    (
        Version,
        End,
        "version release build firmware semver revision softwareversion appversion",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn phrases_are_written_as_they_are_looked_up() {
        let mut seen = HashSet::new();
        for &(concept, _, list) in LISTS {
            for phrase in list.split_ascii_whitespace() {
                // A later list would win unseen. People in a part are people first.
                let again = !seen.insert(phrase);
                assert!(!again || concept == Role, "{phrase} is listed twice");
                assert!(
                    phrase.len() <= 31,
                    "{phrase} is too long for the set of lengths"
                );
                assert!(
                    phrase.starts_with(|c: char| c.is_ascii_lowercase()),
                    "{phrase}"
                );
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                assert!(phrase.chars().all(plain), "{phrase}");
            }
        }
    }
}
