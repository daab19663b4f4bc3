//! JSONLogic: a rule is an object whose one name is an operator, and whose value are its arguments.
//!
//! Rules come from production, and contexts from whatever runs on the laptop: what both may cost is bounded
//! by a depth, and by steps, of which a long text or list takes more than one: each argument that an
//! operator gets is charged by its size, so that no operator works for free.
//!
//! The steps of one flag are bounded, and those of all flags of one request.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::EvaluationError;
use super::numbers::{loosely_equal, number, numeral, order, strictly_equal, text, truth};
use super::operators;

/// Follows rules for one context.
pub(super) struct Logic<'c> {
    /// What the whole evaluation is for; the data of a rule may be an element of it.
    pub(super) context: &'c Value,
    depth: Cell<usize>,
    steps: Cell<usize>,
    budget: &'c Budget,
}

/// The steps that one request may take, over all flags that it asks for.
#[derive(Debug)]
pub struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(MOST_STEPS_OF_REQUEST))
    }
}

impl Budget {
    /// Takes steps from what is left; what fails has taken all.
    fn take(&self, steps: usize) -> Result<(), EvaluationError> {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or_default());
        left.map(drop).ok_or(EvaluationError::Steps)
    }

    /// Takes what a copy of a context costs, with every flag anew.
    pub(super) fn take_copy(&self, context: &Map<String, Value>) -> Result<(), EvaluationError> {
        self.take(1 + fields(context))
    }
}

/// A value that is a part of the rule or of the data, or was made.
pub(super) type Found<'a> = Result<Cow<'a, Value>, EvaluationError>;

impl<'c> Logic<'c> {
    pub(super) const fn new(context: &'c Value, budget: &'c Budget) -> Self {
        Self {
            context,
            depth: Cell::new(0),
            steps: Cell::new(0),
            budget,
        }
    }

    /// Follows a rule; what is no rule is a value.
    pub(super) fn apply<'a>(&self, rule: &'a Value, data: &'a Value) -> Found<'a> {
        self.charge(1)?;
        if self.depth.get() >= DEEPEST {
            return Err(EvaluationError::Depth);
        }
        self.depth.set(self.depth.get() + 1);
        let found = match rule {
            Value::Object(rule) if rule.len() == 1 => self.operation(rule, data),
            Value::Array(rules) => self.each(rules, data),
            value => Ok(Cow::Borrowed(value)),
        };
        self.depth.set(self.depth.get() - 1);
        found
    }

    /// Counts what something costs.
    pub(super) fn charge(&self, steps: usize) -> Result<(), EvaluationError> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > MOST_STEPS {
            return Err(EvaluationError::Steps);
        }
        self.budget.take(steps)
    }

    fn each<'a>(&self, rules: &'a [Value], data: &'a Value) -> Found<'a> {
        let values = rules.iter().map(|rule| self.owned(rule, data));
        Ok(Cow::Owned(Value::Array(values.collect::<Result<_, _>>()?)))
    }

    /// Follows a rule, and takes its value along.
    pub(super) fn owned(&self, rule: &Value, data: &Value) -> Result<Value, EvaluationError> {
        let value = self.apply(rule, data)?;
        if let Cow::Borrowed(value) = &value {
            self.charge(size(value))?;
        }
        Ok(value.into_owned())
    }

    fn operation<'a>(&self, rule: &'a Map<String, Value>, data: &'a Value) -> Found<'a> {
        let Some((operator, arguments)) = rule.iter().next() else {
            return Ok(Cow::Owned(Value::Null));
        };
        let arguments = match arguments {
            Value::Array(arguments) => arguments.as_slice(),
            argument => std::slice::from_ref(argument),
        };
        let call = Call {
            logic: self,
            arguments,
            data,
        };
        match operator.as_str() {
            "var" => call.var(),
            "missing" => call.missing(),
            "missing_some" => call.missing_some(),
            "if" | "?:" => call.choose(),
            "and" => call.first_that(|value| !truth(value)),
            "or" => call.first_that(truth),
            "!" => Ok(made(!truth(call.argument(0)?.as_ref()))),
            "!!" => Ok(made(truth(call.argument(0)?.as_ref()))),
            "==" => call.compare(loosely_equal),
            "!=" => call.compare(|a, b| !loosely_equal(a, b)),
            "===" => call.compare(strictly_equal),
            "!==" => call.compare(|a, b| !strictly_equal(a, b)),
            "<" => call.ordered(|order| order == Ordering::Less),
            "<=" => call.ordered(|order| order != Ordering::Greater),
            ">" => call.ordered(|order| order == Ordering::Greater),
            ">=" => call.ordered(|order| order != Ordering::Less),
            "+" | "-" | "*" | "/" | "%" | "min" | "max" => call.arithmetic(operator),
            "cat" => call.cat(),
            "substr" => call.substr(),
            "in" => call.is_in(),
            "merge" => call.merge(),
            "map" | "filter" | "all" | "some" | "none" => call.elements(operator),
            "reduce" => call.reduce(),
            "starts_with" | "ends_with" | "sem_ver" | "fractional" => {
                operators::apply(operator, &call)
            }
            _ => Err(EvaluationError::Operator),
        }
    }
}

/// An operator's arguments, and what they are about.
pub(super) struct Call<'a, 'l, 'c> {
    pub(super) logic: &'l Logic<'c>,
    pub(super) arguments: &'a [Value],
    pub(super) data: &'a Value,
}

impl<'a> Call<'a, '_, '_> {
    /// Follows an argument, which is charged by its size whether it is written in the rule, found or made: the
    /// operator will look through it. One that is not there is null.
    pub(super) fn argument(&self, place: usize) -> Found<'a> {
        let Some(rule) = self.arguments.get(place) else {
            return Ok(Cow::Owned(Value::Null));
        };
        let value = self.logic.apply(rule, self.data)?;
        self.logic.charge(size(&value))?;
        Ok(value)
    }

    /// Follows all arguments; one alone that is a list stands for its elements.
    fn all(&self) -> Result<Vec<Value>, EvaluationError> {
        let follow = |rule| self.logic.owned(rule, self.data);
        let mut values = self
            .arguments
            .iter()
            .map(follow)
            .collect::<Result<Vec<_>, _>>()?;
        if let [Value::Array(inner)] = values.as_mut_slice() {
            return Ok(std::mem::take(inner));
        }
        Ok(values)
    }

    fn var(&self) -> Found<'a> {
        let path = self.argument(0)?;
        let path = match path.as_ref() {
            Value::Null => String::new(),
            path => text(path),
        };
        match find(self.data, &path) {
            Some(Value::Null) | None => self.argument(1),
            Some(value) => Ok(Cow::Borrowed(value)),
        }
    }

    fn missing(&self) -> Found<'a> {
        let mut names = self.all()?;
        names.retain(|name| is_missing(self.data, name));
        Ok(Cow::Owned(Value::Array(names)))
    }

    fn missing_some(&self) -> Found<'a> {
        let needed = number(self.argument(0)?.as_ref()).unwrap_or_default();
        let Value::Array(names) = self.argument(1)?.into_owned() else {
            return Ok(Cow::Owned(json!([])));
        };
        let all = names.len();
        let mut missing = names;
        missing.retain(|name| is_missing(self.data, name));
        if (all - missing.len()) as f64 >= needed {
            missing.clear();
        }
        Ok(Cow::Owned(Value::Array(missing)))
    }

    fn choose(&self) -> Found<'a> {
        let mut place = 0;
        while place + 1 < self.arguments.len() {
            if truth(self.argument(place)?.as_ref()) {
                return self.argument(place + 1);
            }
            place += 2;
        }
        self.argument(place)
    }

    /// Returns the first argument that is wanted, else the last.
    fn first_that(&self, wanted: impl Fn(&Value) -> bool) -> Found<'a> {
        let mut last = Cow::Owned(Value::Null);
        for place in 0..self.arguments.len() {
            last = self.argument(place)?;
            if wanted(&last) {
                break;
            }
        }
        Ok(last)
    }

    fn compare(&self, holds: impl Fn(&Value, &Value) -> bool) -> Found<'a> {
        Ok(made(holds(
            self.argument(0)?.as_ref(),
            self.argument(1)?.as_ref(),
        )))
    }

    /// Compares neighbours: `[a, b, c]` is whether b is between the others.
    fn ordered(&self, holds: impl Fn(Ordering) -> bool) -> Found<'a> {
        let mut left = self.argument(0)?;
        for place in 1..self.arguments.len().max(2) {
            let right = self.argument(place)?;
            if !order(&left, &right).is_some_and(&holds) {
                return Ok(made(false));
            }
            left = right;
        }
        Ok(made(true))
    }

    fn arithmetic(&self, operator: &str) -> Found<'a> {
        let values = self.all()?;
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        let Some(numbers) = numbers else {
            return Ok(Cow::Owned(Value::Null));
        };
        let result = match (operator, numbers.as_slice()) {
            ("+", numbers) => numbers.iter().sum(),
            ("*", numbers) => numbers.iter().product(),
            ("-", [one]) => -one,
            ("-", [a, b, ..]) => a - b,
            ("/", [a, b, ..]) => a / b,
            ("%", [a, b, ..]) => a % b,
            ("min", [first, rest @ ..]) => rest.iter().copied().fold(*first, f64::min),
            ("max", [first, rest @ ..]) => rest.iter().copied().fold(*first, f64::max),
            _ => return Ok(Cow::Owned(Value::Null)),
        };
        Ok(Cow::Owned(numeral(result)))
    }

    fn cat(&self) -> Found<'a> {
        let mut whole = String::new();
        for value in self.all()? {
            whole.push_str(&text(&value));
            self.logic.charge(whole.len() / BYTES_A_STEP)?;
        }
        Ok(Cow::Owned(Value::String(whole)))
    }

    fn substr(&self) -> Found<'a> {
        let whole: Vec<char> = text(self.argument(0)?.as_ref()).chars().collect();
        self.logic.charge(whole.len() / BYTES_A_STEP)?;
        let length = whole.len() as i64;
        let place = |number: f64| {
            // A float that is too large becomes the largest integer.
            let number = number as i64;
            let from_end = length.saturating_add(number);
            if number < 0 { from_end } else { number }.clamp(0, length)
        };
        let start = place(number(self.argument(1)?.as_ref()).unwrap_or_default());
        let end = match number(self.argument(2)?.as_ref()) {
            Some(count) if count < 0.0 => place(count),
            Some(count) => start.saturating_add(count as i64).clamp(start, length),
            None => length,
        };
        let part = whole.get(start as usize..end.max(start) as usize);
        Ok(Cow::Owned(
            part.unwrap_or_default().iter().collect::<String>().into(),
        ))
    }

    fn is_in(&self) -> Found<'a> {
        let (part, whole) = (self.argument(0)?, self.argument(1)?);
        Ok(made(match whole.as_ref() {
            Value::Array(values) => values.iter().any(|value| strictly_equal(value, &part)),
            Value::String(whole) => match part.as_ref() {
                Value::String(part) => whole.contains(part.as_str()),
                _ => false,
            },
            _ => false,
        }))
    }

    fn merge(&self) -> Found<'a> {
        let mut merged = Vec::new();
        for rule in self.arguments {
            match self.logic.owned(rule, self.data)? {
                Value::Array(values) => merged.extend(values),
                value => merged.push(value),
            }
            self.logic.charge(merged.len() / BYTES_A_STEP)?;
        }
        Ok(Cow::Owned(Value::Array(merged)))
    }

    /// Follows the second argument for each element of the first.
    fn elements(&self, operator: &str) -> Found<'a> {
        let list = self.argument(0)?;
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let rule = self.arguments.get(1).unwrap_or(&Value::Null);
        let mut kept = Vec::new();
        let mut hits = 0;
        for element in list {
            let value = self.logic.apply(rule, element)?;
            if operator == "map" {
                self.logic.charge(size(&value))?;
                kept.push(value.into_owned());
            } else if truth(&value) {
                hits += 1;
                if operator == "filter" {
                    self.logic.charge(size(element))?;
                    kept.push(element.clone());
                }
            }
        }
        Ok(match operator {
            "all" => made(!list.is_empty() && hits == list.len()),
            "some" => made(hits > 0),
            "none" => made(hits == 0),
            _ => Cow::Owned(Value::Array(kept)),
        })
    }

    fn reduce(&self) -> Found<'a> {
        let list = self.argument(0)?;
        let rule = self.arguments.get(1).unwrap_or(&Value::Null);
        let mut sum = self.argument(2)?.into_owned();
        for element in list.as_array().map(Vec::as_slice).unwrap_or_default() {
            self.logic.charge(size(element) + size(&sum))?;
            let data = json!({ "current": element, "accumulator": sum });
            sum = self.logic.owned(rule, &data)?;
        }
        Ok(Cow::Owned(sum))
    }
}

/// Makes a value of a verdict.
pub(super) const fn made<'a>(verdict: bool) -> Cow<'a, Value> {
    Cow::Owned(Value::Bool(verdict))
}

/// Goes down by names and places.
fn find<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(data);
    }
    path.split('.').try_fold(data, |value, name| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(values) => values.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_missing(data: &Value, name: &Value) -> bool {
    match find(data, &text(name)) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// What it costs to copy a value, or to look through it, in steps.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / BYTES_A_STEP,
        Value::Array(values) => values.iter().map(|value| 1 + size(value)).sum(),
        Value::Object(object) => fields(object),
    }
}

fn fields(object: &Map<String, Value>) -> usize {
    let fields = object.iter();
    fields
        .map(|(name, value)| 1 + name.len() / BYTES_A_STEP + size(value))
        .sum()
}

/// Parentheses that nobody counts any more; a task's stack has room for ten times as many.
const DEEPEST: usize = 64;

/// A list of some thousand accounts, looked through more than once: some milliseconds.
const MOST_STEPS: usize = 20_000;

/// Ten thousand flags of a hundred steps each, or fifty of the most: well below a second.
const MOST_STEPS_OF_REQUEST: usize = 1_000_000;

/// How much text is copied in the time of a step.
const BYTES_A_STEP: usize = 64;
